//! What results/published holds.

use super::*;
use crate::hint::Hint;
use crate::metrics::Metric;
use crate::published::{Generation, Unit};
use crate::task::Registry;

/// Tasks of published cells that are none of kobench's, and never will be: other rows, other labels.
const FOREIGN: [&str; 2] = ["dialect_two_class", "nsmc_colab"];

fn published() -> Published {
    Published::load().expect("what is in the binary loads")
}

#[test]
fn every_cell_is_there_and_parses() {
    let published = published();
    assert_eq!(published.cells().len(), 666);
    assert_eq!(published.sources().len(), CellFiles::iter().count(), "a file a source");
    let count = |unit| published.cells().iter().filter(|cell| cell.unit == unit).count();
    assert_eq!(count(Unit::None), 7, "n/a and TODO");
    for cell in published.cells() {
        let name = format!("{} {} {}", cell.source, cell.published_model, cell.metric);
        match cell.unit {
            Unit::Percent | Unit::Fraction => {
                let points = cell.points().unwrap_or_else(|| panic!("{name}: {}", cell.value));
                // No score of these tables is below 10 percent; a fraction taken for percent would be.
                assert!((10.0..100.0).contains(&points), "{name}: {points}");
            }
            Unit::None => assert_eq!(cell.number(), None),
            _ => assert!(cell.number().is_some_and(|n| n > 0.0), "{name}: {}", cell.value),
        }
    }
}

#[test]
fn metrics_and_tasks_have_our_names() {
    let published = published();
    let registry = Registry::load(&[]).expect("loads");
    let mut missing = BTreeSet::new();
    for cell in published.cells() {
        let metric = Metric::ALL.into_iter().find(|metric| metric.name() == cell.metric);
        let score = matches!(cell.unit, Unit::Percent | Unit::Fraction);
        let known = ["macro_precision", "macro_recall"].contains(&cell.metric.as_str());
        assert!(!score || metric.is_some() || known, "{}: no metric {}", cell.source, cell.metric);
        match registry.get(&cell.task) {
            Ok(task) if score => {
                // The reference's oddities must be computed too, or nothing compares with them.
                let computed = task.metrics.iter().any(|metric| metric.name() == cell.metric);
                assert!(computed || known, "{} does not compute {}", task.name, cell.metric);
            }
            Ok(_) => {}
            Err(_) if FOREIGN.contains(&cell.task.as_str()) => {}
            Err(_) => drop(missing.insert(cell.task.as_str())),
        }
    }
    eprintln!("tasks of published cells that are not there yet: {missing:?}");
    assert!(!missing.contains("nsmc"));
}

#[test]
fn every_cell_of_a_score_table_resolves() {
    let published = published();
    let names: Vec<&str> = published.tables().map(|table| table.name.as_str()).collect();
    for name in
        ["kcbert", "koelectra", "koelectra-small", "mdeberta", "klue_sts", "patent", "dialect"]
    {
        assert!(names.contains(&name), "{names:?}");
    }
    for table in published.tables() {
        assert_eq!(TableFiles::get(&format!("{}.yaml", table.name)).map(|_| ()), Some(()));
        // Tables of several sources have holes; the others are whole.
        let whole = !["klue_sts", "patent", "dialect"].contains(&table.name.as_str());
        for row in &table.rows {
            let found = table.columns.iter().filter(|column| published.cell(row, column).is_some());
            let found = found.count();
            assert!(
                found > 0 && (found == table.columns.len() || !whole),
                "{}: {row:?}",
                table.name
            );
        }
    }
}

#[test]
fn well_known_cells_are_what_the_cards_say() {
    let published = published();
    let text = |table: &str, row: usize, column: usize| {
        let table = published.table(table).expect("a table");
        let cell = published.cell(&table.rows[row], &table.columns[column]).expect("a cell");
        (cell.model.clone(), cell.value.clone(), cell.generation)
    };
    assert_eq!(text("kcbert", 0, 0), ("kcbert-base".into(), "89.62".into(), Generation::A));
    assert_eq!(text("kcbert", 0, 7), ("kcbert-base".into(), "84.39".into(), Generation::A));
    assert_eq!(
        text("koelectra", 5, 1),
        ("koelectra-base-v3".into(), "88.11".into(), Generation::B)
    );
    assert_eq!(text("mdeberta", 0, 0), ("xlm-roberta-base".into(), "89.03".into(), Generation::B));
    assert_eq!(
        text("mdeberta", 2, 8),
        ("mdeberta-v3-base-kor-further".into(), "68.16".into(), Generation::None)
    );
    assert_eq!(text("dialect", 0, 0), ("distilkobert".into(), "0.1751".into(), Generation::None));
    assert_eq!(text("patent", 0, 4), ("gemma-2-9b".into(), "0.001751".into(), Generation::None));
    let kobert = &published.table("kcbert").expect("a table").rows[2];
    let column = &published.table("kcbert").expect("a table").columns[0];
    let cell = published.cell(kobert, column).expect("a cell");
    assert_eq!(cell.disagree, ["0.901", "89.59", "89.63"]);
    assert_eq!(cell.selection, "by_eye_on_test");
}

#[test]
fn caveats_reach_their_cells() {
    let published = published();
    for caveat in &published.caveats {
        assert!(
            published.cells().iter().any(|cell| caveat.is_of(cell)),
            "of no cell: {}",
            caveat.text
        );
    }
    let table = published.table("mdeberta").expect("a table");
    let cell = published.cell(&table.rows[0], &table.columns[6]).expect("a cell");
    let caveats: Vec<&str> = published.caveats_of(cell).collect();
    assert!(caveats.iter().any(|text| text.contains("XLM-R's exact match")), "{caveats:?}");
    assert!(!caveats.iter().any(|text| text.contains("HanBERT")), "{caveats:?}");
}

#[test]
fn slips_are_answered_with_the_closest_name() {
    let error = published().table("kcbret").expect_err("a slip");
    assert!(error.to_string().contains("there are: dialect, "), "{error}");
    assert_eq!(error.hint().as_deref(), Some("did you mean `kcbert`?"));
}
