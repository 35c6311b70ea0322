//! Operations that know tokens and sequences: embeddings, convolutions' windows, rotated positions, picked rows.

use super::case::{Case, Lists, sequences};
use super::check;
use crate::dispatch::embedding::{self, Lookup, Table};
use crate::dispatch::{conv, norm, pick, rope};
use crate::error::Result;
use crate::ops::rope::frequencies;
use crate::reference;
use crate::selftest::compare::wide;
use crate::selftest::registry::Check;

/// Lengths and width.
static SHAPES: [(&[usize], usize); 4] =
    [(&[1], 8), (&[3, 1, 5], 20), (&[17, 2, 40], 64), (&[130, 1, 7], 768)];

/// Lengths, query and other heads, width of a head.
static ROTATED: [(&[usize], usize, usize, usize); 3] =
    [(&[1, 3], 2, 1, 8), (&[17, 40], 3, 3, 6), (&[100, 2], 4, 4, 256)];

/// Rows of each table.
const ENTRIES: usize = 50;

pub(super) fn checks<'a>() -> Vec<Check<'a>> {
    vec![
        check("embedding/forward", &SHAPES, embedded),
        check("conv/forward", &SHAPES, windows),
        check("conv/backward", &SHAPES, windows_backward),
        check("pick", &SHAPES, picked),
        check("rope/forward", &ROTATED, rotated),
        check("rope/backward", &ROTATED, rotated_backward),
    ]
}

type Own = (&'static [usize], usize);

fn embedded(case: &mut Case, &(lengths, width): &Own) -> Result<()> {
    let batch = sequences(lengths)?;
    let words: Vec<u32> =
        (0..batch.tokens()).map(|at| ((at * 7919 + 3) % ENTRIES) as u32).collect();
    let types: Vec<u32> = (0..batch.tokens()).map(|at| (at % 2) as u32).collect();
    let lists = [(Table::Words, words.as_slice()), (Table::TokenTypes, types.as_slice())];
    case.stage(&batch, &Lists::Lookups(&lists))?;
    let ((table, table_values), (other, other_values)) =
        (case.input_f32(ENTRIES * width, 1.0)?, case.input_f32(2 * width, 1.0)?);
    let ((gamma, g_values), (beta, b_values)) =
        (case.input_f32(width, 1.0)?, case.input_f32(width, 0.5)?);
    let lookups = [
        Lookup { values: &table, ids: &words, table: Table::Words },
        Lookup { values: &other, ids: &types, table: Table::TokenTypes },
    ];
    let mut y = case.room(batch.tokens() * width)?;
    let layer = norm::LayerNorm { gamma: &gamma, beta: &beta, eps: 1e-12 };
    let off = case.dropout(0.0, 0);
    embedding::forward(&case.ctx, &lookups, layer, off, &mut y, None)?;
    case.result("y", &y)?;
    case.expect("y", || {
        let [t, o, g, b] = [&table_values, &other_values, &g_values, &b_values].map(|v| wide(v));
        reference::embedding(&[(&t, &words), (&o, &types)], &g, &b, 1e-12)
    });
    embedding::sum(&case.ctx, &lookups, width, &mut y)?;
    case.result("sum", &y)?;
    embedding::scaled(&case.ctx, lookups[0], 2.5, width, &mut y)?;
    case.result("scaled", &y)
}

fn windows(case: &mut Case, &(lengths, width): &Own) -> Result<()> {
    let batch = sequences(lengths)?;
    case.stage(&batch, &Lists::Sequences)?;
    let (x, _) = case.input(batch.tokens() * width, 1.0)?;
    let mut y = case.room(batch.tokens() * width * 3)?;
    conv::windows(&case.ctx, batch.cu_seqlens(), &x, width, 3, &mut y)?;
    case.result("windows", &y)
}

fn windows_backward(case: &mut Case, &(lengths, width): &Own) -> Result<()> {
    let batch = sequences(lengths)?;
    case.stage(&batch, &Lists::Sequences)?;
    let (dwindows, _) = case.input(batch.tokens() * width * 3, 1.0)?;
    let mut dx = case.room(batch.tokens() * width)?;
    conv::backward(&case.ctx, batch.cu_seqlens(), &dwindows, width, 3, &mut dx)?;
    case.result("dx", &dx)
}

fn picked(case: &mut Case, &(lengths, width): &Own) -> Result<()> {
    let batch = sequences(lengths)?;
    let tokens: Vec<u32> = batch.cu_seqlens()[1..].iter().map(|&end| end - 1).collect();
    case.stage(&batch, &Lists::Picked(&tokens))?;
    let (x, _) = case.input(batch.tokens() * width, 1.0)?;
    let mut y = case.room(tokens.len() * width)?;
    pick::forward(&case.ctx, &x, width, &tokens, &mut y)?;
    case.result("picked", &y)?;
    let (dy, _) = case.input(tokens.len() * width, 1.0)?;
    let mut dx = case.room(batch.tokens() * width)?;
    pick::backward(&case.ctx, &dy, width, &tokens, &mut dx)?;
    case.result("dx", &dx)
}

/// Base of the angles.
const THETA: f64 = 10_000.0;

type Rotated = (&'static [usize], usize, usize, usize);

fn rotated(case: &mut Case, shape: &Rotated) -> Result<()> {
    let &(lengths, heads, others, head_dim) = shape;
    let batch = sequences(lengths)?;
    case.stage(&batch, &Lists::Positions)?;
    let width = (heads + others) * head_dim;
    let (mut x, values) = case.input(batch.tokens() * width, 1.0)?;
    let tables = rope::angles(&mut case.ctx, &frequencies(THETA, head_dim), batch.max_seqlen())?;
    let angles = rope::Angles { cos: &tables[0], sin: &tables[1] };
    rope::forward(&case.ctx, &mut x, width, (heads, head_dim), batch.position_ids(), angles)?;
    case.result("y", &x)?;
    case.expect("y", || {
        let tokens = wide(&values);
        let rows = tokens.chunks(width).zip(batch.position_ids());
        let row = |(row, &position): (&[f64], &u32)| {
            let parts = row.chunks(head_dim).enumerate();
            let turned = parts.map(|(head, part)| match head < heads {
                true => reference::rope(part, position as usize, THETA),
                false => part.to_vec(),
            });
            turned.flatten().collect::<Vec<f64>>()
        };
        rows.flat_map(row).collect()
    });
    Ok(())
}

fn rotated_backward(case: &mut Case, shape: &Rotated) -> Result<()> {
    let &(lengths, heads, others, head_dim) = shape;
    let batch = sequences(lengths)?;
    case.stage(&batch, &Lists::Positions)?;
    let width = (heads + others) * head_dim;
    let (mut dx, _) = case.input(batch.tokens() * width, 1.0)?;
    let tables = rope::angles(&mut case.ctx, &frequencies(THETA, head_dim), batch.max_seqlen())?;
    let angles = rope::Angles { cos: &tables[0], sin: &tables[1] };
    rope::backward(&case.ctx, &mut dx, width, (heads, head_dim), batch.position_ids(), angles)?;
    case.result("dx", &dx)
}
