//! Batches that are empty, repeat themselves, reach too far, or have too little room; handles after errors.

use super::arguments::{encode_raw, forward_raw, head_number, options};
use crate::check::bench::{Bench, everything, forward};
use crate::check::catalog::Check;
use crate::check::columns::Columns;
use crate::check::fence::Fenced;
use crate::check::outcome::{Outcome, answer, ensure, skipped};
use crate::plugin::EncodeOptions;
use kobench_plugin_abi::{self as abi, AbiStruct as _, Example, Logits, Str};

pub(super) const CHECKS: &[Check] = &[
    Check {
        id: "abi.encode-nothing",
        what: "no examples give an encoding without sequences",
        hint: "accept n = 0 (with `examples` NULL or not), and give a view with cu_seqlens[0] = 0",
        run: encode_nothing,
    },
    Check {
        id: "abi.forward-nothing",
        what: "no indices give no rows",
        hint: "accept n = 0, and fill in `rows` = 0",
        run: forward_nothing,
    },
    Check {
        id: "abi.forward-range",
        what: "an index that is out of range is an error",
        hint: "compare every index with the encoding's number of sequences before computing",
        run: out_of_range,
    },
    Check {
        id: "abi.forward-repeated",
        what: "an index may be repeated, and has the same logits each time",
        hint: "treat each index on its own",
        run: repeated,
    },
    Check {
        id: "abi.forward-room",
        what: "logits that do not fit are an error that says how much room they need; nothing is written beyond `capacity`",
        hint: "fill in `rows` and `width`, and compare rows x width with `capacity` before writing",
        run: room,
    },
    Check {
        id: "abi.after-error",
        what: "after an error the handle is as usable as before",
        hint: "change nothing in a handle before all arguments are checked",
        run: after_error,
    },
    Check {
        id: "abi.encoded-outlives",
        what: "an encoding outlives the tokeniser that made it",
        hint: "let an encoding own, or share, everything that its view points to",
        run: outlives,
    },
];

fn encode_nothing(bench: &mut Bench) -> Outcome {
    let mut tokenizer = bench.tokenizer()?;
    let encoded = tokenizer.encode(&[], &bench.options())?;
    let columns = Columns::of(&encoded)?;
    ensure(
        columns.len() == 0 && columns.input_ids.is_empty(),
        || format!("{} sequences, {} tokens", columns.len(), columns.input_ids.len()),
        "no sequences, no tokens",
    )?;
    let somewhere = [Example::zeroed()];
    let options = options(bench);
    let given = encode_raw(bench, tokenizer.as_ptr(), &somewhere[..0], &raw const options)?;
    given.expect("tokenizer_encode of 0 examples", &[abi::OK])?;
    Ok("2 calls".into())
}

fn forward_nothing(bench: &mut Bench) -> Outcome {
    let encoded = bench.encoded(&bench.kind()?.plain())?;
    let head = bench.head()?.head;
    let mut model = bench.model()?;
    let rows = forward(&mut model, &encoded, &[], head)?;
    ensure(rows.rows == 0, || format!("{} rows", rows.rows), "no rows")?;
    Ok(format!("0 x {} logits", rows.width))
}

fn out_of_range(bench: &mut Bench) -> Outcome {
    let encoded = bench.encoded(&bench.kind()?.plain())?;
    let (model, head) = (bench.model()?, head_number(bench)?);
    let n = everything(&encoded)?.len() as u64;
    for index in [n, n + 1, u64::from(u32::MAX) + 1, u64::MAX] {
        let given = forward_raw(bench, model.as_ptr(), &encoded, &[0, index], head)?;
        let what = format!("model_forward of sequence {index} of {n}");
        given.expect(&what, &[abi::E_INVALID_ARGUMENT])?;
    }
    Ok(format!("4 indices into {n} sequences"))
}

fn repeated(bench: &mut Bench) -> Outcome {
    let encoded = bench.encoded(&bench.kind()?.plain())?;
    let head = bench.head()?.head;
    let mut model = bench.model()?;
    let once = forward(&mut model, &encoded, &[1], head)?;
    let thrice = forward(&mut model, &encoded, &[1, 0, 1, 1], head)?;
    let other = forward(&mut model, &encoded, &[0], head)?;
    let mut values = once.values.clone();
    for part in [&other, &once, &once] {
        values.extend(&part.values);
    }
    let rows = 3 * once.rows + other.rows;
    let expected = crate::check::logits::Rows { rows, width: once.width, values };
    let apart = thrice.near(&expected, "the indices 1 0 1 1, and each alone")?;
    Ok(format!("largest relative difference {apart:.1e}"))
}

fn room(bench: &mut Bench) -> Outcome {
    let Some(call) = bench.vtable().model_forward else {
        return skipped("there is no model_forward");
    };
    let encoded = bench.encoded(&bench.kind()?.plain())?;
    let head = bench.head()?.head;
    let number = head_number(bench)?;
    let mut model = bench.model()?;
    let whole = forward(&mut model, &encoded, &[0, 1], head)?;
    let need = whole.values.len();
    let indices = [0_u64, 1];
    for capacity in [0, 1, need.saturating_sub(1), need, need + 1] {
        let values = Fenced::new(capacity * size_of::<f32>())?;
        let mut out = Logits::zeroed();
        out.values = if capacity == 0 { std::ptr::null_mut() } else { values.as_ptr() };
        out.capacity = capacity;
        // SAFETY: open handles, and a buffer with room for `capacity` values.
        let given = answer(|e| unsafe {
            call(model.as_ptr(), encoded.as_ptr(), indices.as_ptr(), 2, number, &raw mut out, e)
        });
        let what = format!("model_forward of {need} logits into {capacity} values");
        let (wanted, written) =
            if capacity < need { (abi::E_BUFFER_TOO_SMALL, capacity) } else { (abi::OK, need) };
        given.expect(&what, &[wanted])?;
        values.untouched(written * size_of::<f32>(), &what)?;
        let shape = (usize::try_from(out.rows).unwrap_or(usize::MAX), out.width as usize);
        ensure(
            shape == (whole.rows, whole.width),
            || format!("{what} filled in {} rows of width {}", shape.0, shape.1),
            &format!("{} rows of width {}", whole.rows, whole.width),
        )?;
    }
    Ok(format!("5 buffers for {need} logits"))
}

fn after_error(bench: &mut Bench) -> Outcome {
    let kind = bench.kind()?;
    let rows = kind.plain();
    let head = bench.head()?.head;
    let number = head_number(bench)?;
    let mut tokenizer = bench.tokenizer()?;
    let mut model = bench.model()?;
    let encode = |tokenizer: &mut _| match bench.encode(tokenizer, &rows, &bench.options())? {
        Some(encoded) => Ok(encoded),
        None => skipped("the tokeniser does not take its own kind of example"),
    };
    let encoded = encode(&mut tokenizer)?;
    let indices = everything(&encoded)?;
    let (columns, logits) =
        (Columns::of(&encoded)?, forward(&mut model, &encoded, &indices, head)?);
    let mut bytes = Example::zeroed();
    bytes.first = Str { data: b"\xff".as_ptr(), size: 1 };
    let mut odd = Example::zeroed();
    odd.kind = 99;
    let raw = options(bench);
    for example in [bytes, odd] {
        encode_raw(bench, tokenizer.as_ptr(), &[example], &raw const raw)?;
        let again = Columns::of(&encode(&mut tokenizer)?)?;
        again.same(&columns, "before and after an error", "the same encoding")?;
    }
    for (indices, head) in [(&[u64::MAX][..], number), (&[0], 99)] {
        forward_raw(bench, model.as_ptr(), &encoded, indices, head)?;
    }
    let again = forward(&mut model, &encoded, &everything(&encoded)?, head)?;
    again.same(&logits, "before and after two errors")?;
    Ok("2 errors of each handle".into())
}

fn outlives(bench: &mut Bench) -> Outcome {
    let rows = bench.kind()?.plain();
    let options = EncodeOptions { pieces: true, ..bench.options() };
    let mut tokenizer = bench.tokenizer()?;
    let encoded = match bench.encode(&mut tokenizer, &rows, &options)? {
        Some(encoded) => encoded,
        None => return skipped("the tokeniser does not take its own kind of example"),
    };
    let before = Columns::of(&encoded)?;
    drop(tokenizer);
    // What was freed is likely to be used for these.
    let others: Vec<_> = (0..4).map(|_| bench.tokenizer()).collect::<Result<_, _>>()?;
    Columns::of(&encoded)?.same(&before, "before and after tokenizer_close", "the same view")?;
    let request = bench.head()?;
    forward(&mut bench.model()?, &encoded, &everything(&encoded)?, request.head)?;
    drop(others);
    Ok(format!("{} sequences", before.len()))
}
