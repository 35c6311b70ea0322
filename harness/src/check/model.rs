//! Logits: finite, repeatable, independent of the batch.

use super::bench::{Bench, everything, forward};
use super::catalog::Check;
use super::logits::Rows;
use super::outcome::{Outcome, Stop, bad, ensure, skipped};
use super::text::Kind;
use crate::plugin::{Encoded, Head, Model, ModelRequest};
use kobench_plugin_abi as abi;

pub(super) const CHECKS: &[Check] = &[
    Check {
        id: "model.heads",
        what: "each head that the description lists opens, and no other",
        hint: "list in `heads` what model_open can do, and refuse the others with KOBENCH_E_UNSUPPORTED",
        run: heads,
    },
    Check {
        id: "model.shape",
        what: "a sequence head gives a row for each sequence, other heads one for each token; a span head is 2 wide",
        hint: "fill in `rows` and `width` as the comments at KOBENCH_HEAD_* say",
        run: shape,
    },
    Check {
        id: "model.finite",
        what: "logits of any text are finite",
        hint: "look for divisions by the length of an empty text, and for a softmax over nothing",
        run: finite,
    },
    Check {
        id: "model.repeatable",
        what: "the same batch has the same logits each time, bit for bit",
        hint: "clear buffers that are reused, turn dropout off, and add up in an order that is always the same",
        run: repeatable,
    },
    Check {
        id: "model.reopen",
        what: "a model that is opened again has the same logits, bit for bit",
        hint: "let everything random follow from \"seed\", and read all of the weights",
        run: reopen,
    },
    Check {
        id: "model.batch",
        what: "a sequence has the same logits alone and in a batch, up to rounding",
        hint: "let no sequence see another: mask padding, and take positions from the sequence's own beginning",
        run: batch,
    },
    Check {
        id: "model.order",
        what: "logits come in the order of the indices",
        hint: "write the rows in the order of `indices`, also where you compute in another one",
        run: order,
    },
    Check {
        id: "model.threads",
        what: "one thread and two compute the same, up to rounding",
        hint: "look for sums that threads race for",
        run: threads,
    },
    Check {
        id: "model.wrong-head",
        what: "a head that the model was not opened with is unsupported, and the handle lives on",
        hint: "compare `head` with the head of the open call, and return KOBENCH_E_UNSUPPORTED",
        run: wrong_head,
    },
    Check {
        id: "model.stats",
        what: "model_stats, where there is one, writes a JSON object",
        hint: "write an object such as {\"parameters\": 1}",
        run: stats,
    },
];

/// What the checks of logits use: every kind of row that the tokeniser takes, with a model.
struct Ready {
    model: Model,
    request: ModelRequest,
    encodings: Vec<(Kind, Encoded, Vec<u64>)>,
}

fn ready(bench: &Bench, rows: fn(Kind) -> Vec<crate::worker::RowInput>) -> Result<Ready, Stop> {
    let request = bench.head()?;
    let model = bench.library.open_model(&request)?;
    let mut encodings = Vec::new();
    for kind in bench.kinds()? {
        let encoded = bench.encoded(&rows(kind))?;
        let indices = everything(&encoded)?;
        encodings.push((kind, encoded, indices));
    }
    Ok(Ready { model, request, encodings })
}

fn number(head: Head) -> u32 {
    match head {
        Head::Sequence => abi::HEAD_SEQUENCE,
        Head::Token => abi::HEAD_TOKEN,
        Head::Span => abi::HEAD_SPAN,
    }
}

const HEADS: [Head; 3] = [Head::Sequence, Head::Token, Head::Span];

fn heads(bench: &mut Bench) -> Outcome {
    let listed = bench.heads()?;
    let mut seen = Vec::new();
    for head in HEADS {
        if listed.contains(&head) {
            let request = bench.openable(head)?;
            let new = if request.new_head { " (a new one)" } else { "" };
            seen.push(format!("{}{new}", head.name()));
            continue;
        }
        let request =
            ModelRequest { new_head: true, num_labels: Some(2), ..bench.model_request(head)? };
        match bench.library.open_model(&request) {
            Err(e) if e.status == abi::E_UNSUPPORTED => {}
            Err(e) => {
                return Err(bad(
                    format!("a {} head: {e}", head.name()),
                    "the status \"unsupported\"",
                ));
            }
            Ok(_) => {
                return Err(bad(
                    format!("a {} head opens, which the description does not list", head.name()),
                    "the heads of the description, and no other",
                ));
            }
        }
    }
    Ok(seen.join(", "))
}

fn shape(bench: &mut Bench) -> Outcome {
    let mut shapes = Vec::new();
    for head in bench.heads()? {
        let mut model = bench.library.open_model(&bench.openable(head)?)?;
        let mut width = None;
        for kind in bench.kinds()? {
            let encoded = bench.encoded(&kind.plain())?;
            let indices = everything(&encoded)?;
            let logits = forward(&mut model, &encoded, &indices, head)?;
            let view = encoded.view()?;
            let tokens: usize = (0..view.n_sequences()).map(|s| view.len_of(s)).sum();
            let rows = if head == Head::Sequence { indices.len() } else { tokens };
            let seen = format!(
                "{} head, {}: {} rows of width {}",
                head.name(),
                kind.name(),
                logits.rows,
                logits.width
            );
            let same = *width.get_or_insert(logits.width) == logits.width;
            let wide = logits.width > 0 && (head != Head::Span || logits.width == 2) && same;
            ensure(
                logits.rows == rows && wide,
                || seen,
                &format!("{rows} rows of one width for all batches"),
            )?;
        }
        shapes.push(format!("{}: {} wide", head.name(), width.unwrap_or(0)));
    }
    Ok(shapes.join(", "))
}

fn finite(bench: &mut Bench) -> Outcome {
    let mut n = 0;
    for head in bench.heads()? {
        let mut model = bench.library.open_model(&bench.openable(head)?)?;
        for kind in bench.kinds()? {
            let encoded = bench.encoded(&kind.nasty())?;
            let logits = forward(&mut model, &encoded, &everything(&encoded)?, head)?;
            n += logits.values.len();
            let wrong = logits.values.iter().position(|v| !v.is_finite());
            ensure(
                wrong.is_none(),
                || {
                    let at = wrong.unwrap_or(0);
                    let row = at / logits.width.max(1);
                    format!(
                        "{} head, {}: row {row} has the logit {}",
                        head.name(),
                        kind.name(),
                        logits.values[at]
                    )
                },
                "finite numbers",
            )?;
        }
    }
    Ok(format!("{n} logits"))
}

fn repeatable(bench: &mut Bench) -> Outcome {
    let mut r = ready(bench, Kind::nasty)?;
    let head = r.request.head;
    let mut first = Vec::new();
    for (_, encoded, indices) in &r.encodings {
        first.push(forward(&mut r.model, encoded, indices, head)?);
    }
    for ((kind, encoded, indices), before) in r.encodings.iter().zip(&first).rev() {
        let again = forward(&mut r.model, encoded, indices, head)?;
        again.same(before, &format!("{} first and later", kind.name()))?;
    }
    Ok(format!("{} batches", first.len()))
}

fn reopen(bench: &mut Bench) -> Outcome {
    let mut r = ready(bench, Kind::plain)?;
    let mut other = bench.library.open_model(&r.request)?;
    let mut n = 0;
    for (kind, encoded, indices) in &r.encodings {
        let first = forward(&mut r.model, encoded, indices, r.request.head)?;
        let again = forward(&mut other, encoded, indices, r.request.head)?;
        again.same(&first, &format!("{} on two handles", kind.name()))?;
        n += first.values.len();
    }
    Ok(format!("{n} logits"))
}

fn batch(bench: &mut Bench) -> Outcome {
    let mut r = ready(bench, Kind::nasty)?;
    let head = r.request.head;
    let mut largest = 0.0_f32;
    for (kind, encoded, indices) in &r.encodings {
        let together = forward(&mut r.model, encoded, indices, head)?;
        let mut alone = Rows { rows: 0, width: together.width, values: Vec::new() };
        for &index in indices {
            let one = forward(&mut r.model, encoded, &[index], head)?;
            alone.rows += one.rows;
            alone.values.extend(one.values);
        }
        largest =
            largest.max(alone.near(&together, &format!("{} alone and in a batch", kind.name()))?);
    }
    Ok(format!("same logits alone and in a batch; largest relative difference {largest:.1e}"))
}

fn order(bench: &mut Bench) -> Outcome {
    let mut r = ready(bench, Kind::plain)?;
    let head = r.request.head;
    let mut largest = 0.0_f32;
    for (kind, encoded, indices) in &r.encodings {
        let straight = forward(&mut r.model, encoded, indices, head)?;
        let backwards: Vec<u64> = indices.iter().rev().copied().collect();
        let turned = forward(&mut r.model, encoded, &backwards, head)?;
        let view = encoded.view()?;
        // The rows of each sequence, in the order of the sequences again.
        let rows_of = |i: u64| {
            if head == Head::Sequence { 1 } else { view.len_of(usize::try_from(i).unwrap_or(0)) }
        };
        let mut parts: Vec<&[f32]> = Vec::new();
        let mut at = 0;
        for &i in &backwards {
            let n = rows_of(i) * turned.width;
            parts.push(turned.values.get(at..at + n).unwrap_or_default());
            at += n;
        }
        let values = parts.into_iter().rev().flatten().copied().collect();
        let again = Rows { rows: turned.rows, width: turned.width, values };
        let between = format!("{} forwards and backwards", kind.name());
        largest = largest.max(again.near(&straight, &between)?);
    }
    Ok(format!("largest relative difference {largest:.1e}"))
}

fn threads(bench: &mut Bench) -> Outcome {
    let mut r = ready(bench, Kind::nasty)?;
    let mut two = bench.library.open_model(&ModelRequest { threads: 2, ..r.request.clone() })?;
    let mut largest = 0.0_f32;
    for (kind, encoded, indices) in &r.encodings {
        let one = forward(&mut r.model, encoded, indices, r.request.head)?;
        let other = forward(&mut two, encoded, indices, r.request.head)?;
        let between = format!("{} with 1 thread and with 2", kind.name());
        largest = largest.max(other.near(&one, &between)?);
    }
    Ok(format!("largest relative difference {largest:.1e}"))
}

fn wrong_head(bench: &mut Bench) -> Outcome {
    let mut r = ready(bench, Kind::plain)?;
    let head = r.request.head;
    let (kind, encoded, indices) = &r.encodings[0];
    let before = forward(&mut r.model, encoded, indices, head)?;
    let mut n = 0;
    for other in HEADS.into_iter().filter(|other| *other != head) {
        match r.model.forward(encoded, indices, other, &mut vec![0.0; 1 << 14]) {
            Err(e) if e.status == abi::E_UNSUPPORTED => n += 1,
            Err(e) => {
                return Err(bad(
                    format!("head {}: {e}", number(other)),
                    "the status \"unsupported\"",
                ));
            }
            Ok(_) => {
                return Err(bad(
                    format!(
                        "a model with a {} head answered for a {} head",
                        head.name(),
                        other.name()
                    ),
                    "the status \"unsupported\"",
                ));
            }
        }
        let between = format!("{} before and after another head", kind.name());
        forward(&mut r.model, encoded, indices, head)?.same(&before, &between)?;
    }
    Ok(format!("{n} heads"))
}

fn stats(bench: &mut Bench) -> Outcome {
    if bench.vtable().model_stats.is_none() {
        return skipped("the plugin has no model_stats");
    }
    let json = bench.model()?.stats()?;
    ensure(json.is_object(), || format!("it wrote {json}"), "a JSON object")?;
    Ok(crate::text::shorten(&json.to_string(), 100))
}
