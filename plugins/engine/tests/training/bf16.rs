//! bf16: products of rounded operands, weights and optimiser in f32.

use kobench_engine::Precision;
use serde_json::json;

use crate::{batch, begin, electra, step, weights};

#[test]
fn bf16_is_near_f32_but_not_it_and_trains_as_well() {
    let run = |precision, threads| {
        let mut model = electra(threads, 0.0, precision);
        let mut logits = vec![0.0; 9];
        model.forward(&batch(), &mut logits, &|| Ok(())).unwrap();
        let mut trainer = begin(&model, json!({})).unwrap();
        let losses: Vec<f64> = (0..20).map(|_| step(&mut trainer, &mut model, 1e-3).loss).collect();
        (logits, losses, weights(&model))
    };
    let full = run(Precision::F32, 2);
    let half = run(Precision::Bf16, 2);
    assert_eq!(half, run(Precision::Bf16, 1), "threads change no bit");
    let far = full.0.iter().zip(&half.0).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max);
    let largest = full.0.iter().fold(0.0_f32, |m, z| m.max(z.abs()));
    println!("logits: {:.1e} of the largest", far / largest);
    assert!(far > 0.0 && far < 0.05 * largest, "{far} {largest}");
    let (first, last) = (half.1[0], half.1[19]);
    assert!(last < 0.5 * first && (first - full.1[0]).abs() < 0.05 * first, "{first} {last}");
    // Master weights keep what bf16 would round away.
    let fine = |(_, w): &(String, Vec<f32>)| w.iter().any(|w| w.to_bits() & 0xffff != 0);
    assert!(half.2.iter().all(fine));
}
