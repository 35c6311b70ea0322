//! What stands beside published numbers.

use super::*;
use crate::record::testing::done;

/// A whole cell with one metric, in points.
fn cell(model: &str, task: &str, split: &str, metric: &str, points: [f64; 3]) -> CellRecord {
    let mut cell = done();
    cell.inputs.key.model = model.into();
    cell.inputs.key.task = task.into();
    cell.inputs.key.split = split.into();
    cell.id = cell.inputs.id();
    cell.primary_metric = metric.into();
    let [value, ci_low, ci_high] = points.map(|points| points / 100.0);
    let value = MetricValue {
        value,
        ci_low,
        ci_high,
        n: 2000,
        method: "wilson".into(),
        resamples: None,
        clusters: None,
        seeds: None,
    };
    cell.metrics = [(metric.to_owned(), value)].into();
    cell
}

fn compared(table: &str, cells: &[CellRecord]) -> Comparison {
    let published = Published::load().expect("loads");
    let registry = Registry::load(&[]).expect("loads");
    let spec = published.table(table).expect("a table");
    Comparison::new(&published, spec, cells, &registry, 0.5)
}

fn note<'a>(table: &'a Comparison, cell: &ComparedCell, part: &str) -> &'a str {
    let mut notes = cell.notes.iter().map(|&note| table.notes[note].as_str());
    notes
        .find(|note| note.contains(part))
        .unwrap_or_else(|| panic!("no {part}: {:#?}", table.notes))
}

#[test]
fn ours_stand_beside_their_published_numbers_with_a_verdict() {
    let cells = [
        cell("kcbert-base", "nsmc", "test", "accuracy", [89.622, 89.35, 89.89]),
        cell("kobert", "nsmc", "test", "accuracy", [88.0, 87.7, 88.3]),
        cell("my-model", "nsmc", "test", "accuracy", [91.0, 90.7, 91.3]),
        cell("kcbert-base", "nsmc", "sample", "accuracy", [86.0, 84.0, 87.0]),
    ];
    let table = compared("kcbert", &cells);
    assert_eq!(table.rows.len(), 9, "eight published, and one of ours");
    let verdict = |row: usize| table.rows[row].cells[0].judgement.map(|j| j.verdict);
    assert_eq!(verdict(0), Some(Verdict::Identical));
    assert_eq!(verdict(1), None);
    assert_eq!(verdict(2), Some(Verdict::Below));
    let mine = &table.rows[8];
    assert!(mine.published.is_none() && mine.label == "my-model");
    assert!(mine.cells[0].ours.is_some() && mine.cells[0].judgement.is_none());
    assert!(mine.cells[1].ours.is_none() && mine.cells[1].published.is_none());
    let difference = table.rows[2].cells[0].judgement.expect("judged").difference_points;
    assert!((difference + 1.63).abs() < 1e-9, "{difference}");
    assert_eq!(table.left_out.len(), 1);
    assert_eq!(table.left_out[0].label, "kcbert-base on nsmc/sample");
    // Both sides' policies, the published cell's disagreement, the task's and the table's caveats.
    let ours = &table.rows[2].cells[0];
    assert!(
        note(&table, ours, "published: by_eye_on_test").ends_with("one value; ours: best on dev")
    );
    note(&table, ours, "kobert, NSMC acc: sources disagree: 0.901, 89.59, 89.63");
    note(&table, ours, "0.47 points above");
    note(&table, ours, "nsmc: Files of the same names");
    note(&table, &table.rows[3].cells[6], "XLM-R's exact match");
    note(&table, &table.rows[0].cells[2], "kcbert-base, PAWS acc: step 19000");
}

#[test]
fn a_row_that_is_copied_or_of_another_generation_says_so() {
    let table = compared("mdeberta", &[]);
    assert!(!table.has_ours());
    note(&table, &table.rows[0].cells[0], "xlm-roberta-base: row copied from the KoELECTRA table");
    let mixed = "not comparable with each other: B (xlm-roberta-base); unknown (mdeberta-v3-base, ";
    assert!(table.notes.iter().any(|note| note.contains(mixed)), "{:#?}", table.notes);
    assert!(
        !compared("koelectra", &[]).notes.iter().any(|note| note.contains("different recipes"))
    );
}

#[test]
fn several_seeds_are_one_number_with_an_interval_of_both_sources() {
    let mut cells = Vec::new();
    for (seed, points) in [(43, 89.8), (42, 89.5), (44, 89.1)] {
        let mut cell =
            cell("kcbert-base", "nsmc", "test", "accuracy", [points, points - 0.2, points + 0.2]);
        cell.inputs.key.seed = Some(seed);
        cell.inputs.key.recipe = Some("generation-a".into());
        cell.id = cell.inputs.id();
        cells.push(cell);
    }
    let mut half = cells[0].clone();
    half.inputs.precision = "bf16".into();
    half.id = half.inputs.id();
    cells.push(half);
    let table = compared("kcbert", &cells);
    let shown = &table.rows[0].cells[0];
    let ours = shown.ours.as_ref().expect("ours");
    assert_eq!((ours.seed, ours.others.len()), (None, 1));
    let spread = ours.metric.seeds.as_ref().expect("of several seeds");
    assert_eq!(spread.seeds, [42, 43, 44]);
    assert!((ours.metric.value - 0.894_666_666_666).abs() < 1e-9);
    // t(0.975, 2) = 4.3027 times 0.3512 / sqrt(3) is 0.8724; with 0.2 it is 0.8950.
    assert!((ours.metric.ci_high - 0.903_617).abs() < 1e-6, "{}", ours.metric.ci_high);
    assert_eq!(
        note(&table, shown, "also there"),
        "kcbert-base, NSMC acc: shown is recipe generation-a seeds 42, 43, 44 f32; also there: recipe \
         generation-a seed 43 bf16 89.80"
    );
    let policies = note(&table, shown, "how checkpoints were chosen");
    assert!(policies.ends_with("one value; ours: best on dev, the mean of 3 seeds"), "{policies}");
    note(&table, shown, "half widths 0.87 from seeds and 0.20 from examples");
    assert_eq!(shown.judgement.map(|j| j.verdict), Some(Verdict::Inconclusive));
}

#[test]
fn a_metric_that_is_not_computed_leaves_the_cell_to_the_published_number() {
    let cells = [cell("kcbert-base", "nsmc", "test", "macro_f1", [89.6, 89.3, 89.9])];
    let table = compared("kcbert", &cells);
    assert!(table.rows[0].cells[0].ours.is_none() && table.rows[0].cells[0].published.is_some());
}
