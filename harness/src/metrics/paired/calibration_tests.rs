//! False alarms and power, by simulation: pairs of systems whose true difference is known.

use rayon::prelude::*;

use super::*;
use crate::stats::Random;
use crate::task::Registry;

/// Simulated pairs of systems.
const PAIRS: u64 = 2000;
/// The level of the one-sided test.
const LEVEL: f64 = 0.05;
/// The share of false alarms that is allowed, over both directions.
const MOST_ALARMS: f64 = 0.06;

/// A pair of systems on some rows. `own` is the share of what each system decides by itself, `worse` how much more often
/// the new one is wrong by itself.
trait Simulation: Sync {
    fn metric(&self) -> Metric;

    /// Rows, where a row is as good as `labels` labels.
    fn rows(&self, labels: usize) -> usize {
        labels
    }

    fn pair(&self, rows: usize, own: f64, worse: f64, random: &mut Random) -> Paired;
}

fn task(name: &str) -> Task {
    Registry::load(&[]).expect("tasks").get(name).expect("a task")
}

fn chance(random: &mut Random, share: f64) -> bool {
    random.unit() < share
}

/// Whether each system is right on a row: they agree but on a share `own` of the rows each.
fn right(random: &mut Random, own: f64, worse: f64) -> [bool; 2] {
    let common = chance(random, 0.8);
    let base = if chance(random, own) { !common } else { common };
    let new = if chance(random, own) { !common } else { common };
    [base, new && !chance(random, worse)]
}

/// A wrong label, never the right one.
fn other(random: &mut Random, label: u32, labels: u32) -> u32 {
    (label + 1 + random.two_below(labels - 1).0) % labels
}

/// Labels of which one is frequent and one rare.
struct Labels(Task, Metric);

impl Simulation for Labels {
    fn metric(&self) -> Metric {
        self.1
    }

    fn pair(&self, rows: usize, own: f64, worse: f64, random: &mut Random) -> Paired {
        let labels = self.0.labels.len() as u32;
        let (mut gold, mut systems) = (Vec::new(), [Vec::new(), Vec::new()]);
        for _ in 0..rows {
            let label = if chance(random, 0.6) { 0 } else { random.two_below(labels).0 };
            gold.push(label);
            let wrong = other(random, label, labels);
            for (system, right) in systems.iter_mut().zip(right(random, own, worse)) {
                system.push(if right { label } else { wrong });
            }
        }
        let rows = PairedRows::Labels {
            gold: &gold,
            predicted: [&systems[0], &systems[1]],
            scores: [None, None],
        };
        Paired::new(self.1, &self.0, &self.0.labels, &rows, None).expect("fits").expect("there")
    }
}

/// Sentences with some entities.
struct Tags(Task);

impl Simulation for Tags {
    fn metric(&self) -> Metric {
        Metric::EntityF1
    }

    fn rows(&self, labels: usize) -> usize {
        labels / 4
    }

    fn pair(&self, rows: usize, own: f64, worse: f64, random: &mut Random) -> Paired {
        let labels = self.0.labels.len() as u32;
        let outside = self.0.labels.iter().position(|label| label.id == "O").expect("O") as u32;
        let mut gold: Vec<Vec<u32>> = Vec::new();
        let mut systems: [Vec<Vec<Option<u32>>>; 2] = [Vec::new(), Vec::new()];
        for _ in 0..rows {
            let (mut words, mut said) = (Vec::new(), [Vec::new(), Vec::new()]);
            for _ in 0..8 {
                let label = if chance(random, 0.7) { outside } else { random.two_below(labels).0 };
                words.push(label);
                let wrong = other(random, label, labels);
                for (said, right) in said.iter_mut().zip(right(random, own, worse)) {
                    said.push(Some(if right { label } else { wrong }));
                }
            }
            gold.push(words);
            systems.iter_mut().zip(said).for_each(|(system, said)| system.push(said));
        }
        let predicted =
            [&systems[0], &systems[1]].map(|system| system.iter().map(Vec::as_slice).collect());
        let rows = PairedRows::Tags { gold: gold.iter().map(Vec::as_slice).collect(), predicted };
        let paired = Paired::new(self.metric(), &self.0, &self.0.labels, &rows, None);
        paired.expect("fits").expect("there")
    }
}

/// Similarities with ties in the gold values; the systems share a part of their error, and have different scales.
struct Values(Task);

impl Simulation for Values {
    fn metric(&self) -> Metric {
        Metric::Spearman
    }

    fn pair(&self, rows: usize, own: f64, worse: f64, random: &mut Random) -> Paired {
        let (mut gold, mut systems) = (Vec::new(), [Vec::new(), Vec::new()]);
        let noise = |random: &mut Random| (0..6).map(|_| random.unit() - 0.5).sum::<f64>();
        for _ in 0..rows {
            let truth = 5.0 * random.unit();
            gold.push((truth * 2.0).round() / 2.0);
            let common = noise(random);
            systems[0].push(truth + common + 10.0 * own * noise(random));
            systems[1].push(40.0 + 3.0 * (truth + common + (10.0 * own + worse) * noise(random)));
        }
        let rows = PairedRows::Values { gold: &gold, predicted: [&systems[0], &systems[1]] };
        Paired::new(self.metric(), &self.0, &[], &rows, None).expect("fits").expect("there")
    }
}

/// Questions, three a context: a system that is wrong by itself is so for the whole context half the time.
struct Answers(Task);

impl Simulation for Answers {
    fn metric(&self) -> Metric {
        Metric::ExactMatch
    }

    fn pair(&self, rows: usize, own: f64, worse: f64, random: &mut Random) -> Paired {
        let mut systems = [Vec::new(), Vec::new()];
        for _ in 0..rows.div_ceil(3) {
            let whole = right(random, own, worse);
            for _ in 0..3 {
                let single = right(random, own, worse);
                let of_context = chance(random, 0.5);
                for (system, (whole, single)) in
                    systems.iter_mut().zip(whole.into_iter().zip(single))
                {
                    system.push(if of_context { whole } else { single });
                }
            }
        }
        let sources: Vec<u32> = (0..systems[0].len() as u32).map(|row| row / 3).collect();
        let f1 = vec![0.0; sources.len()];
        let rows = PairedRows::Answers { exact: [&systems[0], &systems[1]], char_f1: [&f1, &f1] };
        let clusters = Clusters::new(&sources);
        let paired = Paired::new(self.metric(), &self.0, &[], &rows, Some(&clusters));
        paired.expect("fits").expect("there")
    }
}

fn simulations() -> Vec<Box<dyn Simulation>> {
    vec![
        Box::new(Labels(task("nsmc"), Metric::Accuracy)),
        Box::new(Labels(task("hate_speech"), Metric::MacroF1)),
        Box::new(Tags(task("klue_ner"))),
        Box::new(Values(task("korsts"))),
        Box::new(Answers(task("korquad"))),
    ]
}

/// Over so many pairs, the mean of what `says` gives.
fn mean_over(
    simulation: &dyn Simulation,
    (rows, own, worse): (usize, f64, f64),
    (pairs, seed): (u64, u64),
    says: impl Fn(&Paired, u64) -> [bool; 2] + Sync,
) -> [f64; 2] {
    let counts = (0..pairs).into_par_iter().map(|pair| {
        let mut random = Random::stream(seed, pair);
        says(&simulation.pair(rows, own, worse, &mut random), pair).map(u64::from)
    });
    let sum = counts.reduce(|| [0; 2], |a, b| [a[0] + b[0], a[1] + b[1]]);
    sum.map(|count| count as f64 / pairs as f64)
}

/// Few disagreements and many. The systems are alike, so that both directions are the same question asked twice.
#[test]
fn without_a_difference_there_are_few_alarms() {
    for simulation in simulations() {
        for own in [0.02, 0.15] {
            let setting = (simulation.rows(300), own, 0.0);
            let alarms = mean_over(&*simulation, setting, (PAIRS, 11), |pair, seed| {
                let p = pair.test(seed).0;
                [p.lower < LEVEL, p.upper < LEVEL]
            });
            let metric = simulation.metric();
            println!("{metric}, {own} own: worse in {:.4}, better in {:.4}", alarms[0], alarms[1]);
            let mean = (alarms[0] + alarms[1]) / 2.0;
            assert!(mean <= MOST_ALARMS && mean > 0.02, "{metric} {own}: {alarms:?}");
        }
    }
}

/// The value of `worse` at which the true difference is `wanted`, by bisection over a large sample.
fn worse_by(simulation: &dyn Simulation, own: f64, wanted: f64) -> f64 {
    let (mut low, mut high) =
        (0.0, if simulation.metric() == Metric::Spearman { 8.0 } else { 0.6 });
    for _ in 0..12 {
        let middle = (low + high) / 2.0;
        let [base, new] = simulation.pair(40_000, own, middle, &mut Random::stream(17, 0)).values();
        if base - new < wanted {
            low = middle;
        } else {
            high = middle;
        }
    }
    (low + high) / 2.0
}

#[test]
fn a_difference_of_twice_the_detectable_one_is_found() {
    for simulation in simulations() {
        let (rows, own) = (simulation.rows(600), 0.08);
        let detectable = |seed| {
            let pair = simulation.pair(rows, own, 0.0, &mut Random::stream(13, seed));
            pair.estimate(0.95, seed).minimum_detectable(0.0, LEVEL, pair.units())
        };
        let detectable = (0..40).map(detectable).sum::<f64>() / 40.0;
        let worse = worse_by(&*simulation, own, 2.0 * detectable);
        let setting = (rows, own, worse);
        let [found, _] = mean_over(&*simulation, setting, (500, 19), |pair, seed| {
            [pair.test(seed).0.lower < LEVEL, false]
        });
        println!(
            "{}: {detectable:.4} detectable, twice that found in {found:.4}",
            simulation.metric()
        );
        assert!(found > 0.9, "{}: {found}", simulation.metric());
    }
}

/// The interval holds the true difference, which is zero, as often as it says.
#[test]
fn intervals_hold_the_true_difference() {
    for simulation in simulations() {
        let setting = (simulation.rows(300), 0.08, 0.0);
        let [held, _] = mean_over(&*simulation, setting, (400, 23), |pair, seed| {
            let estimate = pair.estimate(0.95, seed);
            [estimate.low <= 0.0 && 0.0 <= estimate.high, false]
        });
        println!("{}: held in {held:.4}", simulation.metric());
        assert!((0.915..=0.985).contains(&held), "{}: {held}", simulation.metric());
    }
}
