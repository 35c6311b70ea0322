//! x
use kobench::compare::*;
use kobench::task::Registry;
use kobench_tests::scale::Scale;
use std::path::Path;
use std::time::Instant;
fn main() {
    let cells: usize = std::env::args().nth(1).unwrap().parse().unwrap();
    let dir = Path::new("/tmp/scale").join(cells.to_string());
    if !dir.exists() {
        let t = Instant::now();
        Scale::new(cells, 5000, 1).write(&dir.join("a"));
        Scale { changed: 0.1, draw: 1, ..Scale::new(cells, 5000, 1) }.write(&dir.join("b"));
        println!("wrote in {:?}", t.elapsed());
    }
    let t = Instant::now();
    let (a, b) = (Source::open(&dir.join("a")).unwrap(), Source::open(&dir.join("b")).unwrap());
    println!("opened {:?}", t.elapsed());
    let registry = Registry::load(&[]).unwrap();
    let policy = Policy::load(None).unwrap();
    let c = compare(&CompareRequest {
        base: &a,
        new: &b,
        policy: &policy,
        registry: &registry,
        flips: 0,
        data: None,
        seed: 0,
    })
    .unwrap();
    println!("compared {:?}", t.elapsed());
    for cell in c.cells.iter().take(4) {
        println!("{} {:?}", cell.label, cell.verdict);
        for m in &cell.metrics {
            println!(
                "  {} {:.4} {:.4} [{:.4} {:.4}] {} p {:.4} {} mde {:.4} {:?}",
                m.metric,
                m.base,
                m.new,
                m.ci_low,
                m.ci_high,
                m.interval_method,
                m.p_value,
                m.test,
                m.minimum_detectable,
                m.verdict
            );
        }
        println!("{:?}", cell.flips);
    }
    println!("{:?}", c.verdict);
}
