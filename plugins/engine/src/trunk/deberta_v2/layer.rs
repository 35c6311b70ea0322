//! One layer: disentangled attention and feed-forward, each with dropout, residual and layer norm.

use std::ops::Range;

use super::relative::Positions;
use crate::batch::PackedBatch;
use crate::buffer::Buffer;
use crate::config::{DebertaV2Config, ModelConfig};
use crate::context::Context;
use crate::dispatch::{disentangled, pointwise};
use crate::error::Result;
use crate::grad::GradSink;
use crate::nn::{Columns, FeedForward, FeedForwardNames, Linear, Norm};
use crate::ops::activation::Activation;
use crate::ops::attention::Shape;
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
    feed_forward: FeedForward,
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
        let mut linear = |names: &[&str]| {
            let names: Vec<String> = names.iter().map(|n| name(n)).collect();
            Linear::declare(store, &names, (hidden, hidden), Activation::Identity, std)
        };
        let qkv = ["query_proj", "key_proj", "value_proj"].map(|n| format!("attention.self.{n}"));
        let qkv = linear(&qkv.each_ref().map(String::as_str));
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
                Projection::Own(linear(&names))
            }
        });
        let output = linear(&["attention.output.dense"]);
        let norm = (own.layer_norm_eps, own.hidden_dropout_prob);
        let name_of_norm = name("attention.output.LayerNorm");
        let attention_norm = Norm::declare(store, &name_of_norm, hidden, norm.0, norm.1);
        let feed_forward = FeedForward::declare(
            store,
            FeedForwardNames {
                up: name("intermediate.dense"),
                down: name("output.dense"),
                norm: name("output.LayerNorm"),
            },
            (hidden, middle),
            own.hidden_act,
            std,
            norm,
        );
        let head_dim = hidden / own.num_attention_heads;
        let terms = 1 + usize::from(own.c2p) + usize::from(own.p2c);
        Self {
            qkv,
            positions,
            c2p: own.c2p,
            p2c: own.p2c,
            scale: 1.0 / ((head_dim * terms) as f32).sqrt(),
            output,
            attention_norm,
            feed_forward,
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
        self.feed_forward.forward(ctx, middle, saved)
    }

    /// dx `[T, hidden]` from dy `[T, hidden]`; with positions, adds the gradient of their rows to the
    /// buffer that comes with them.
    pub(super) fn backward(
        &self,
        ctx: &mut Context,
        batch: &PackedBatch,
        dy: Buffer,
        positions: Option<(&Positions, &mut Buffer)>,
        saved: &mut Saved,
        sink: &mut dyn GradSink,
    ) -> Result<Buffer> {
        let dmiddle = self.feed_forward.backward(ctx, dy, saved, sink)?;
        let x = saved.pop()?;
        let (dprojected, mut dx) = self.attention_norm.backward(ctx, dmiddle, saved, sink)?;
        let mixed = saved.pop()?;
        let dmixed = self.output.backward(ctx, &mixed, dprojected, saved, sink)?;
        let through =
            self.attention_backward(ctx, batch, (&x, mixed), dmixed, positions, saved, sink)?;
        pointwise::add(ctx, &mut dx, &through)?;
        ctx.give(through);
        ctx.give(x);
        Ok(dx)
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
            true => Some(ctx.take_f32(batch.tokens() * self.heads)?),
            false => None,
        };
        let terms = projected.as_ref().map(|(rows, positions)| self.terms(rows, positions));
        let (shape, scale, out) = (self.shape(batch), self.scale, &mut mixed);
        disentangled::forward(ctx, shape, &qkv, terms, scale, dropout, out, lse.as_mut())?;
        saved.keep(ctx, qkv);
        let projected = projected.map(|(projected, _)| projected);
        for buffer in [projected, lse].into_iter().flatten() {
            saved.keep(ctx, buffer);
        }
        Ok(mixed)
    }

    /// The attention of a batch.
    pub(super) fn shape<'a>(&self, batch: &'a PackedBatch) -> Shape<'a> {
        Shape { cu_seqlens: batch.cu_seqlens(), heads: self.heads, head_dim: self.head_dim }
    }

    fn terms<'a>(
        &self,
        projected: &'a Buffer,
        positions: &'a Positions,
    ) -> disentangled::Positions<'a> {
        disentangled::Positions {
            projected,
            distances: &positions.distances,
            c2p: self.c2p,
            p2c: self.p2c,
        }
    }

    /// dx `[T, hidden]` from the gradient of the heads' outputs `mixed`, both `[T, hidden]`.
    #[expect(
        clippy::too_many_arguments,
        reason = "what a backward pass takes, and both its operands"
    )]
    fn attention_backward(
        &self,
        ctx: &mut Context,
        batch: &PackedBatch,
        (x, mixed): (&Buffer, Buffer),
        dmixed: Buffer,
        positions: Option<(&Positions, &mut Buffer)>,
        saved: &mut Saved,
        sink: &mut dyn GradSink,
    ) -> Result<Buffer> {
        let lse = saved.pop()?;
        let used = self.positions.as_ref().zip(positions);
        let projected = match &used {
            Some(_) => Some(saved.pop()?),
            None => None,
        };
        let qkv = saved.pop()?;
        let dropout = saved.dropout_again(self.attention_dropout);
        let mut dqkv = ctx.take(qkv.len())?;
        let mut dprojected = ctx.take(projected.as_ref().map_or(0, Buffer::len))?;
        let terms = match (&projected, &used) {
            (Some(projected), Some((_, (positions, _)))) => Some(self.terms(projected, positions)),
            _ => None,
        };
        disentangled::backward(
            ctx,
            self.shape(batch),
            &qkv,
            terms,
            self.scale,
            dropout,
            &mixed,
            &lse,
            &dmixed,
            disentangled::Gradients { dqkv: &mut dqkv, dprojected: &mut dprojected },
        )?;
        for buffer in [Some(mixed), Some(dmixed), Some(lse), Some(qkv), projected] {
            buffer.into_iter().for_each(|buffer| ctx.give(buffer));
        }
        let Some((projection, (_, drows))) = used else {
            ctx.give(dprojected);
            return self.qkv.backward(ctx, x, dqkv, saved, sink);
        };
        let rows = saved.pop()?;
        let (dx, mut through) = match projection {
            Projection::Shared(columns) => {
                let outputs = columns.clone();
                let columns = Columns { x: &rows, dy: dprojected, outputs };
                self.qkv.backward_with_columns(ctx, x, dqkv, columns, saved, sink)?
            }
            Projection::Own(linear) => {
                let through = linear.backward(ctx, &rows, dprojected, saved, sink)?;
                (self.qkv.backward(ctx, x, dqkv, saved, sink)?, through)
            }
        };
        pointwise::dropout(ctx, &mut through, saved.dropout_again(self.position_dropout))?;
        pointwise::add(ctx, drows, &through)?;
        ctx.give(rows);
        ctx.give(through);
        Ok(dx)
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
        if saved.trains() || !dropout.is_off() {
            let mut copy = ctx.copy(rows)?;
            pointwise::dropout(ctx, &mut copy, dropout)?;
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
