//! The three attentions.

use super::case::{Case, Lists, sequences};
use super::check;
use crate::dispatch::{attention, causal, disentangled};
use crate::error::Result;
use crate::ops::attention::Shape;
use crate::ops::causal::Shape as CausalShape;
use crate::ops::distance::{DistanceTable, RelativePositions};
use crate::reference::{self, Causal, Disentangled};
use crate::selftest::compare::wide;
use crate::selftest::registry::Check;

/// Lengths, heads, width of a head.
type Absolute = (&'static [usize], usize, usize);

static ABSOLUTE: [Absolute; 5] = [
    (&[1], 1, 8),
    (&[3, 1, 17], 3, 16),
    (&[33, 64, 2], 4, 12),
    (&[65, 128, 1, 5], 2, 64),
    (&[300, 40], 2, 64),
];

/// Lengths, query heads, key heads, width of a head, window.
type OfCausal = (&'static [usize], usize, usize, usize, Option<usize>);

static CAUSAL: [OfCausal; 4] = [
    (&[1, 3], 2, 1, 8, None),
    (&[17, 40, 2], 4, 2, 6, Some(5)),
    (&[130, 33], 2, 2, 64, Some(50)),
    (&[70, 7], 4, 2, 256, None),
];

/// Lengths, heads, width of a head, buckets, whether content looks at positions, and positions at content.
type OfDisentangled = (&'static [usize], usize, usize, usize, bool, bool);

static DISENTANGLED: [OfDisentangled; 4] = [
    (&[1, 3], 1, 8, 8, true, true),
    (&[33, 17, 2], 3, 16, 8, true, false),
    (&[65, 12], 2, 24, 16, false, true),
    (&[300, 64, 5], 2, 64, 256, true, true),
];

/// Bound of causal scores.
const SOFT_CAP: f32 = 5.0;

/// The part of probabilities that dropout drops in backward passes.
const DROPPED: f32 = 0.1;

pub(super) fn checks<'a>() -> Vec<Check<'a>> {
    vec![
        check("attention/forward", &ABSOLUTE, absolute_forward),
        check("attention/backward", &ABSOLUTE, absolute_backward),
        check("causal/forward", &CAUSAL, causal_forward),
        check("causal/backward", &CAUSAL, causal_backward),
        check("disentangled/forward", &DISENTANGLED, disentangled_forward),
        check("disentangled/backward", &DISENTANGLED, disentangled_backward),
    ]
}

fn absolute_forward(case: &mut Case, &(lengths, heads, head_dim): &Absolute) -> Result<()> {
    let batch = sequences(lengths)?;
    let shape = Shape { cu_seqlens: batch.cu_seqlens(), heads, head_dim };
    case.stage(&batch, &Lists::Attention(shape))?;
    let hidden = heads * head_dim;
    let (qkv, values) = case.input(batch.tokens() * 3 * hidden, 1.0)?;
    let mut out = case.room(batch.tokens() * hidden)?;
    attention::forward(&case.ctx, shape, &qkv, case.dropout(0.0, 0), &mut out, None)?;
    case.result("out", &out)?;
    case.expect("out", || {
        reference::attention(&wide(&values), batch.cu_seqlens(), heads, head_dim)
    });
    Ok(())
}

fn absolute_backward(case: &mut Case, &(lengths, heads, head_dim): &Absolute) -> Result<()> {
    let batch = sequences(lengths)?;
    let shape = Shape { cu_seqlens: batch.cu_seqlens(), heads, head_dim };
    case.stage(&batch, &Lists::Attention(shape))?;
    let (tokens, hidden) = (batch.tokens(), heads * head_dim);
    let (qkv, _) = case.input(tokens * 3 * hidden, 1.0)?;
    let (mut out, mut lse) = (case.room(tokens * hidden)?, case.room_f32(heads * tokens)?);
    let dropout = case.dropout(DROPPED, 2);
    attention::forward(&case.ctx, shape, &qkv, dropout, &mut out, Some(&mut lse))?;
    case.result("out with dropout", &out)?;
    let (dout, _) = case.input(tokens * hidden, 1.0)?;
    let mut dqkv = case.room(tokens * 3 * hidden)?;
    attention::backward(&case.ctx, shape, &qkv, dropout, &out, &lse, &dout, &mut dqkv)?;
    case.result("dqkv", &dqkv)
}

fn causal_shape<'a>(cu_seqlens: &'a [u32], of: &OfCausal) -> CausalShape<'a> {
    let &(_, heads, kv_heads, head_dim, window) = of;
    let scale = 1.0 / (head_dim as f32).sqrt();
    CausalShape { cu_seqlens, heads, kv_heads, head_dim, scale, soft_cap: Some(SOFT_CAP), window }
}

fn causal_forward(case: &mut Case, of: &OfCausal) -> Result<()> {
    let batch = sequences(of.0)?;
    let shape = causal_shape(batch.cu_seqlens(), of);
    case.stage(&batch, &Lists::Causal)?;
    let width = (shape.heads + 2 * shape.kv_heads) * shape.head_dim;
    let (qkv, values) = case.input(batch.tokens() * width, 1.0)?;
    let mut out = case.room(batch.tokens() * shape.heads * shape.head_dim)?;
    causal::forward(&case.ctx, shape, &qkv, case.dropout(0.0, 0), &mut out, None)?;
    case.result("out", &out)?;
    case.expect("out", || {
        let own = Causal {
            heads: shape.heads,
            kv_heads: shape.kv_heads,
            head_dim: shape.head_dim,
            scale: f64::from(shape.scale),
            soft_cap: Some(f64::from(SOFT_CAP)),
            window: shape.window,
        };
        reference::causal_attention(own, &wide(&values), batch.cu_seqlens())
    });
    Ok(())
}

fn causal_backward(case: &mut Case, of: &OfCausal) -> Result<()> {
    let batch = sequences(of.0)?;
    let shape = causal_shape(batch.cu_seqlens(), of);
    case.stage(&batch, &Lists::Causal)?;
    let tokens = batch.tokens();
    let width = (shape.heads + 2 * shape.kv_heads) * shape.head_dim;
    let inner = shape.heads * shape.head_dim;
    let (qkv, _) = case.input(tokens * width, 1.0)?;
    let (mut out, mut lse) = (case.room(tokens * inner)?, case.room_f32(shape.heads * tokens)?);
    let dropout = case.dropout(DROPPED, 2);
    causal::forward(&case.ctx, shape, &qkv, dropout, &mut out, Some(&mut lse))?;
    case.result("out with dropout", &out)?;
    let (dout, _) = case.input(tokens * inner, 1.0)?;
    let mut dqkv = case.room(tokens * width)?;
    causal::backward(&case.ctx, shape, &qkv, dropout, &out, &lse, &dout, &mut dqkv)?;
    case.result("dqkv", &dqkv)
}

/// Positions, and what attention's scores are multiplied by.
fn relative(of: &OfDisentangled) -> (RelativePositions, f32) {
    let &(_, _, head_dim, position_buckets, c2p, p2c) = of;
    let terms = 1 + usize::from(c2p) + usize::from(p2c);
    let positions = RelativePositions { position_buckets, max_relative_positions: 512 };
    (positions, 1.0 / ((head_dim * terms) as f32).sqrt())
}

fn disentangled_forward(case: &mut Case, of: &OfDisentangled) -> Result<()> {
    let &(lengths, heads, head_dim, _, c2p, p2c) = of;
    let batch = sequences(lengths)?;
    let shape = Shape { cu_seqlens: batch.cu_seqlens(), heads, head_dim };
    let (positions, scale) = relative(of);
    let distances = DistanceTable::new(positions, batch.max_seqlen());
    case.stage(&batch, &Lists::Disentangled(shape, &distances))?;
    let (hidden, columns) = (heads * head_dim, usize::from(c2p) + usize::from(p2c));
    let (qkv, values) = case.input(batch.tokens() * 3 * hidden, 1.0)?;
    let taken = distances.rows();
    // Every row of the table, of which an operation is given those that occur.
    let table = case.numbers(2 * positions.span() * columns * hidden, 1.0);
    let width = columns * hidden;
    let projected = case.ctx.upload(&table[taken.start * width..taken.end * width])?;
    let mut out = case.room(batch.tokens() * hidden)?;
    let own = disentangled::Positions { projected: &projected, distances: &distances, c2p, p2c };
    let off = case.dropout(0.0, 0);
    disentangled::forward(&case.ctx, shape, &qkv, Some(own), scale, off, &mut out, None)?;
    case.result("out", &out)?;
    case.expect("out", || {
        // A row holds the query projection, then the key projection, as far as they are there.
        let part = |number: usize| -> Vec<f64> {
            table.chunks(width).flat_map(|row| wide(&row[number * hidden..][..hidden])).collect()
        };
        let queries = p2c.then(|| part(0));
        let keys = c2p.then(|| part(usize::from(p2c)));
        let own = Disentangled {
            relative: positions,
            keys: keys.as_deref(),
            queries: queries.as_deref(),
        };
        reference::disentangled_attention(
            &wide(&values),
            batch.cu_seqlens(),
            (heads, head_dim),
            own,
        )
    });
    Ok(())
}

fn disentangled_backward(case: &mut Case, of: &OfDisentangled) -> Result<()> {
    let &(lengths, heads, head_dim, _, c2p, p2c) = of;
    let batch = sequences(lengths)?;
    let shape = Shape { cu_seqlens: batch.cu_seqlens(), heads, head_dim };
    let (positions, scale) = relative(of);
    let distances = DistanceTable::new(positions, batch.max_seqlen());
    case.stage(&batch, &Lists::Disentangled(shape, &distances))?;
    let (tokens, hidden) = (batch.tokens(), heads * head_dim);
    let size = distances.rows().len() * (usize::from(c2p) + usize::from(p2c)) * hidden;
    let ((qkv, _), (projected, _)) =
        (case.input(tokens * 3 * hidden, 1.0)?, case.input(size, 1.0)?);
    let (mut out, mut lse) = (case.room(tokens * hidden)?, case.room_f32(heads * tokens)?);
    let own = disentangled::Positions { projected: &projected, distances: &distances, c2p, p2c };
    let dropout = case.dropout(DROPPED, 2);
    let ctx = &case.ctx;
    disentangled::forward(ctx, shape, &qkv, Some(own), scale, dropout, &mut out, Some(&mut lse))?;
    case.result("out with dropout", &out)?;
    let (dout, _) = case.input(tokens * hidden, 1.0)?;
    let (mut dqkv, mut dprojected) = (case.room(tokens * 3 * hidden)?, case.room(size)?);
    let gradients = disentangled::Gradients { dqkv: &mut dqkv, dprojected: &mut dprojected };
    disentangled::backward(
        &case.ctx,
        shape,
        &qkv,
        Some(own),
        scale,
        dropout,
        &out,
        &lse,
        &dout,
        gradients,
    )?;
    case.result("dqkv", &dqkv)?;
    case.result("dprojected", &dprojected)
}
