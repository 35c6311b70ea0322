//! How often changes are found, and where there are none.

use rand_distr::{Distribution, StandardNormal, StudentT};
use rayon::prelude::*;

use super::{ALPHA, Observed, changes};
use crate::stats::Random;

/// A value of a series without a change.
type Noise = fn(&mut Random) -> f64;

fn normal(random: &mut Random) -> f64 {
    StandardNormal.sample(random)
}

/// The share of series of n values in which a change is found; `shift` is added from the middle on.
fn share(noise: Noise, n: usize, shift: f64, series: u64) -> f64 {
    let found = (0..series).into_par_iter().filter(|&number| {
        let mut random = Random::stream(0x51_6d, number);
        let value = |index: usize| {
            let shift = if index < n / 2 { 0.0 } else { shift };
            Observed { value: noise(&mut random) + shift, interval: None }
        };
        !changes(&(0..n).map(value).collect::<Vec<_>>()).is_empty()
    });
    found.count() as f64 / series as f64
}

#[test]
fn false_alarms_are_one_in_twenty_at_most() {
    let noises: [(&str, Noise); 6] = [
        ("normal", normal),
        ("Student's t with two degrees of freedom", |random| {
            StudentT::new(2.0).expect("a distribution").sample(random)
        }),
        ("normal, in steps of its deviation", |random| normal(random).round()),
        ("one of two values", |random| f64::from(u8::from(random.unit() < 0.5))),
        ("nearly always the same", |random| f64::from(u8::from(random.unit() < 0.1))),
        ("always the same but once in a hundred", |random| {
            if random.unit() < 0.01 { normal(random) } else { 0.0 }
        }),
    ];
    for (n, series) in [(10, 4000), (30, 2000), (100, 600)] {
        for (name, noise) in noises {
            let share = share(noise, n, 0.0, series);
            // Three standard errors of a share of 5%.
            let error = 3.0 * (ALPHA * (1.0 - ALPHA) / series as f64).sqrt();
            println!("{name}, n = {n}: {:.2}% of {series} series", 100.0 * share);
            assert!(share < ALPHA + error, "{name}, n = {n}: {share}");
        }
    }
}

#[test]
fn a_shift_of_three_deviations_in_the_middle_of_thirty_is_found() {
    let heavy: Noise = |random| StudentT::new(3.0).expect("a distribution").sample(random);
    for (name, noise, least) in [
        ("normal", normal as Noise, 0.9),
        ("Student's t with three degrees of freedom", heavy, 0.9),
    ] {
        let found = share(noise, 30, 3.0, 500);
        println!("{name}: {:.1}% found", 100.0 * found);
        assert!(found > least, "{name}: {found}");
    }
}

#[test]
fn a_fault_that_was_mended_is_found_in_noise() {
    let found = (0..200_u64).filter(|&number| {
        let mut random = Random::stream(0x62, number);
        let value = |index: usize| {
            let fault = if (12..20).contains(&index) { -3.0 } else { 0.0 };
            Observed { value: normal(&mut random) + fault, interval: None }
        };
        let places = changes(&(0..32).map(value).collect::<Vec<_>>());
        places.len() == 2 && places[0].at.abs_diff(12) < 3 && places[1].at.abs_diff(20) < 3
    });
    let share = found.count() as f64 / 200.0;
    println!("{:.1}% found, both ends within two runs", 100.0 * share);
    assert!(share > 0.8, "{share}");
}
