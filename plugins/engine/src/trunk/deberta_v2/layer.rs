//! One layer: disentangled attention and feed-forward, each with dropout, residual and layer norm.

use std::ops::Range;

use super::relative::Positions;
use crate::batch::PackedBatch;
use crate::buffer::Buffer;
use crate::config::{DebertaV2Config, ModelConfig};
use crate::context::Context;
use crate::error::Result;
use crate::nn::{Linear, Norm};
use crate::ops::activation::Activation;
use crate::ops::attention::Shape;
use crate::ops::disentangled;
use crate::param::ParamStore;
use crate::saved::Saved;

/// How a layer projects the table of relative positions: to qr (p2c), kr (c2p), or both.
#[derive(Debug)]
enum Projection {
    /// With `share_att_key`: columns of the content's own projection.
    Shared(Range<usize>),
    /// `pos_query_proj` and `pos_key_proj`, as far as they are used, stacked.
    Own(Linear),
}

#[derive(Debug)]
pub(super) struct Layer {
    /// Query, key and value in one product.
    qkv: Linear,
    /// None where relative positions play no part.
    positions: Option<Projection>,
    c2p: bool,
    p2c: bool,
    scale: f32,
    output: Linear,
    attention_norm: Norm,
    up: Linear,
    down: Linear,
    norm: Norm,
    heads: usize,
    head_dim: usize,
    attention_dropout: f32,
    position_dropout: f32,
}

impl Layer {
    pub(super) fn declare(
        store: &mut ParamStore,
        index: usize,
        config: &ModelConfig,
        own: &DebertaV2Config,
    ) -> Self {
        let (hidden, middle, std) =
            (config.hidden_size, own.intermediate_size, config.initializer_range);
        let prefix = config.architecture.prefix();
        let name = |suffix: &str| format!("{prefix}.encoder.layer.{index}.{suffix}");
        let mut linear = |names: &[&str], sizes, act| {
            let names: Vec<String> = names.iter().map(|n| name(n)).collect();
            Linear::declare(store, &names, sizes, act, std)
        };
        let id = Activation::Identity;
        let qkv = ["query_proj", "key_proj", "value_proj"].map(|n| format!("attention.self.{n}"));
        let qkv = linear(&qkv.each_ref().map(String::as_str), (hidden, hidden), id);
        // Both or one of them, query first, as the columns of qkv.
        let parts = [(own.p2c, "pos_query_proj"), (own.c2p, "pos_key_proj")];
        let used = own.relative.is_some() && (own.c2p || own.p2c);
        let positions = used.then(|| match own.share_att_key {
            true => {
                let from = if own.p2c { 0 } else { hidden };
                let to = if own.c2p { 2 * hidden } else { hidden };
                Projection::Shared(from..to)
            }
            false => {
                let names: Vec<String> = parts
                    .into_iter()
                    .filter(|(used, _)| *used)
                    .map(|(_, n)| format!("attention.self.{n}"))
                    .collect();
                let names: Vec<&str> = names.iter().map(String::as_str).collect();
                Projection::Own(linear(&names, (hidden, hidden), id))
            }
        });
        let output = linear(&["attention.output.dense"], (hidden, hidden), id);
        let up = linear(&["intermediate.dense"], (hidden, middle), own.hidden_act);
        let down = linear(&["output.dense"], (middle, hidden), id);
        let mut norm = |suffix| {
            let (eps, dropout) = (own.layer_norm_eps, own.hidden_dropout_prob);
            Norm::declare(store, &name(suffix), hidden, eps, dropout)
        };
        let head_dim = hidden / own.num_attention_heads;
        let terms = 1 + usize::from(own.c2p) + usize::from(own.p2c);
        Self {
            qkv,
            positions,
            c2p: own.c2p,
            p2c: own.p2c,
            scale: 1.0 / ((head_dim * terms) as f32).sqrt(),
            output,
            attention_norm: norm("attention.output.LayerNorm"),
            up,
            down,
            norm: norm("output.LayerNorm"),
            heads: own.num_attention_heads,
            head_dim,
            attention_dropout: own.attention_probs_dropout_prob,
            position_dropout: own.hidden_dropout_prob,
        }
    }

    /// x `[T, hidden]` to y `[T, hidden]`.
    pub(super) fn forward(
        &self,
        ctx: &mut Context,
        batch: &PackedBatch,
        x: Buffer,
        positions: Option<&Positions>,
        saved: &mut Saved,
    ) -> Result<Buffer> {
        let mixed = self.attention(ctx, batch, &x, positions, saved)?;
        let projected = self.output.forward(ctx, &mixed, saved)?;
        saved.keep(ctx, mixed);
        let middle = self.attention_norm.forward(ctx, projected, &x, saved)?;
        saved.keep(ctx, x);

        let wide = self.up.forward(ctx, &middle, saved)?;
        let narrow = self.down.forward(ctx, &wide, saved)?;
        saved.keep(ctx, wide);
        let y = self.norm.forward(ctx, narrow, &middle, saved)?;
        saved.keep(ctx, middle);
        Ok(y)
    }

    /// The heads' outputs, `[T, hidden]`.
    fn attention(
        &self,
        ctx: &mut Context,
        batch: &PackedBatch,
        x: &Buffer,
        positions: Option<&Positions>,
        saved: &mut Saved,
    ) -> Result<Buffer> {
        let qkv = self.qkv.forward(ctx, x, saved)?;
        let projected = match (&self.positions, positions) {
            (Some(projection), Some(positions)) => {
                Some((self.project(ctx, projection, &positions.rows, saved)?, positions))
            }
            _ => None,
        };
        let dropout = saved.dropout(self.attention_dropout);
        let mut mixed = ctx.take(x.len())?;
        let mut lse = match saved.trains() {
            true => Some(ctx.take(batch.tokens() * self.heads)?),
            false => None,
        };
        let terms = match &projected {
            Some((projected, positions)) => Some(disentangled::Positions {
                projected: projected.f32()?,
                distances: &positions.distances,
                c2p: self.c2p,
                p2c: self.p2c,
            }),
            None => None,
        };
        let shape =
            Shape { cu_seqlens: batch.cu_seqlens(), heads: self.heads, head_dim: self.head_dim };
        let lse_out = lse.as_mut().map(Buffer::f32_mut).transpose()?;
        let (qkv_in, out) = (qkv.f32()?, mixed.f32_mut()?);
        disentangled::forward(shape, qkv_in, terms, self.scale, dropout, out, lse_out);
        saved.keep(ctx, qkv);
        let projected = projected.map(|(projected, _)| projected);
        for buffer in [projected, lse].into_iter().flatten() {
            saved.keep(ctx, buffer);
        }
        Ok(mixed)
    }

    /// The table's rows `[rows, hidden]` to qr and kr, `[rows, (1 or 2) hidden]`; dropout differs from
    /// layer to layer.
    fn project(
        &self,
        ctx: &mut Context,
        projection: &Projection,
        rows: &Buffer,
        saved: &mut Saved,
    ) -> Result<Buffer> {
        let dropout = saved.dropout(self.position_dropout);
        let mut dropped = None;
        if saved.trains() {
            let mut copy = ctx.take(rows.len())?;
            copy.f32_mut()?.copy_from_slice(rows.f32()?);
            dropout.apply(copy.f32_mut()?, 0);
            dropped = Some(copy);
        }
        let x = dropped.as_ref().unwrap_or(rows);
        let projected = match projection {
            Projection::Shared(columns) => self.qkv.forward_columns(ctx, x, columns.clone())?,
            Projection::Own(linear) => linear.forward(ctx, x, saved)?,
        };
        if let Some(dropped) = dropped {
            saved.keep(ctx, dropped);
        }
        Ok(projected)
    }
}
