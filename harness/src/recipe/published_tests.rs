//! The built-in recipes: all of them as they are, and those of the two generations against the reference's
//! configurations, where a table of them is at hand.

use std::collections::BTreeMap;
use std::path::PathBuf;

use super::{AdamVariant, EvaluateEvery, Library, Optimizer, Resolved, Select, Warmup};
use crate::plugin::Variant;
use crate::task::Registry;

fn resolve(recipe: &str, model: &str, task: &str) -> Resolved {
    let registry = Registry::load(&[]).expect("loads");
    let task = registry.get(task).expect("a task");
    let recipe = Library::load().expect("loads").get(recipe).expect("a recipe");
    recipe.resolve(&Variant::new(model, "any"), &task).expect("resolves")
}

#[test]
fn every_model_and_task_of_every_recipe_resolves() {
    let registry = Registry::load(&[]).expect("loads");
    let library = Library::load().expect("loads");
    let names: Vec<&str> = library.recipes().map(super::Recipe::name).collect();
    let known =
        ["default", "demo", "dialect", "generation-a", "generation-b", "klue-sts", "patent"];
    assert_eq!(names, known);
    for recipe in library.recipes() {
        let document = recipe.document();
        for task in document.tasks.keys() {
            let task = registry.get(task).expect("a recipe's task is a task");
            for model in document.models.iter().map(String::as_str).chain(["another"]) {
                let resolved =
                    recipe.resolve(&Variant::new(model, "any"), &task).expect("resolves");
                assert!(resolved.settings.max_seq_len.is_some());
                let is_other = !document.models.iter().any(|known| known == model);
                let said = resolved.notes.iter().any(|note| note.contains("assumed"));
                assert!(!is_other || said, "{}: {model}", recipe.name());
            }
        }
    }
    for task in registry.tasks() {
        let resolved = resolve("default", "another", &task.name);
        assert_eq!(resolved.settings.select, Select::BestOnDev);
    }
}

#[test]
fn what_differs_between_the_generations_is_there() {
    let a = resolve("generation-a", "koelectra-base-v2", "nsmc").settings;
    let b = resolve("generation-b", "koelectra-base-v2", "nsmc").settings;
    assert_eq!((a.max_seq_len, b.max_seq_len), (Some(50), Some(128)));
    assert_eq!((a.warmup(), b.warmup()), (Warmup::Steps(0), Warmup::Proportion(0.0)));
    assert_eq!(a.plugin_options["classifier"], "linear");
    assert_eq!(b.plugin_options["classifier"], "dense");
    let ner = resolve("generation-a", "koelectra-base-v2", "naver_ner").settings;
    assert!(ner.plugin_options.is_empty());
    let korquad = resolve("generation-a", "kcbert-base", "korquad");
    assert_eq!(korquad.settings.max_seq_len, Some(300));
    assert_eq!(
        (korquad.settings.doc_stride, korquad.settings.max_question_len),
        (Some(128), Some(64))
    );
    let patent = resolve("patent", "gemma-2-9b", "patent").settings;
    assert_eq!(patent.total_steps(6_008), 7_500);
}

#[test]
fn a_model_with_a_lower_limit_gets_shorter_sequences_and_a_note() {
    let registry = Registry::load(&[]).expect("loads");
    let recipe = Library::load().expect("loads").get("generation-b").expect("a recipe");
    let mut model = Variant::new("small", "bert");
    model.max_seq_len = Some(100);
    let resolved =
        recipe.resolve(&model, &registry.get("nsmc").expect("a task")).expect("resolves");
    assert_eq!(resolved.settings.max_seq_len, Some(100));
    assert!(
        resolved.notes.iter().any(|note| note.contains("lowered to 100")),
        "{:?}",
        resolved.notes
    );
}

#[test]
fn overrides_are_in_the_label() {
    let registry = Registry::load(&[]).expect("loads");
    let recipe = Library::load().expect("loads").get("generation-b").expect("a recipe");
    let edits = ["learning_rate=1e-5", "warmup_steps=10"]
        .map(|text| super::Override::parse(text).expect("an edit"));
    let task = registry.get("nsmc").expect("a task");
    let resolved =
        recipe.resolve_with(&Variant::new("kobert", "bert"), &task, &edits).expect("resolves");
    assert_eq!(resolved.label(), "generation-b[learning_rate=1e-5,warmup_steps=10]");
    assert_eq!(resolved.settings.warmup(), Warmup::Steps(10));
    let error = recipe
        .resolve(&Variant::new("kobert", "bert"), &registry.get("klue_nli").expect("a task"))
        .expect_err("generation B has no KLUE");
    assert!(error.to_string().starts_with("the recipe generation-b has no task `klue_nli`"));
}

/// The configuration's `model_name_or_path` that each model's recipe is made of.
const MODELS: [(&str, &str); 14] = [
    ("distilkobert", "monologg/distilkobert"),
    ("hanbert", "HanBert-54kN-torch"),
    ("kcbert-base", "beomi/kcbert-base"),
    ("kcbert-large", "beomi/kcbert-large"),
    ("kcelectra-base", "KcELECTRA-base-50135-848k"),
    ("kcelectra-base-v2022", "beomi/kcelectra-v2022-dev"),
    ("kobert", "monologg/kobert"),
    ("koelectra-base", "monologg/koelectra-base-discriminator"),
    ("koelectra-base-v2", "monologg/koelectra-base-v2-discriminator"),
    ("koelectra-base-v3", "monologg/koelectra-base-v3-discriminator"),
    ("koelectra-small", "monologg/koelectra-small-discriminator"),
    ("koelectra-small-v2", "monologg/koelectra-small-v2-discriminator"),
    ("koelectra-small-v3", "monologg/koelectra-small-v3-discriminator"),
    ("xlm-roberta-base", "xlm-roberta-base"),
];

/// The table of all configurations beside the data directory, or nothing.
fn configurations() -> Option<Vec<BTreeMap<String, String>>> {
    let data = PathBuf::from(std::env::var_os("KOBENCH_DATA")?);
    let mut reader = csv::Reader::from_path(data.join("../protocol/recipes.csv")).ok()?;
    Some(reader.deserialize().collect::<Result<_, _>>().expect("a row of the table"))
}

#[test]
fn the_generations_are_those_of_the_reference() {
    let Some(rows) = configurations() else {
        eprintln!("skipped: no protocol/recipes.csv beside the folder that KOBENCH_DATA names");
        return;
    };
    let mut compared = 0;
    for (model, path) in MODELS {
        for row in rows.iter().filter(|row| row["model_name_or_path"] == path) {
            let generation = &row["table_generation"][..1];
            let recipe = if generation == "A" { "generation-a" } else { "generation-b" };
            compare(row, &resolve(recipe, model, &row["task"].replace('-', "_")));
            compared += 1;
        }
    }
    // Twelve models on seven tasks in A, ten on eight in B.
    assert_eq!(compared, 12 * 7 + 10 * 8);
    for recipe in ["generation-a", "generation-b"] {
        let recipe = Library::load().expect("loads").get(recipe).expect("a recipe");
        let document = recipe.document();
        assert!(document.models.iter().all(|name| MODELS.iter().any(|(model, _)| model == name)));
    }
}

fn compare(row: &BTreeMap<String, String>, resolved: &Resolved) {
    let settings = &resolved.settings;
    let name = format!("{} {}", resolved.recipe, row["config_file"]);
    let number = |key: &str| row[key].parse::<f64>().expect("a number");
    let whole = |key: &str| row[key].parse::<u64>().expect("a whole number");
    let few = |key: &str| u32::try_from(whole(key)).expect("a small number");
    assert_eq!(settings.learning_rate, number("lr"), "{name}");
    assert_eq!(settings.epochs, number("epochs"), "{name}");
    assert_eq!(settings.batch_size, few("batch"), "{name}");
    assert_eq!(settings.accumulate, few("grad_accum"), "{name}");
    assert_eq!(settings.max_seq_len, Some(few("max_seq_len")), "{name}");
    let warmup = match row["warmup_kind"].as_str() {
        "steps" => Warmup::Steps(whole("warmup")),
        _ => Warmup::Proportion(number("warmup")),
    };
    assert_eq!(settings.warmup(), warmup, "{name}");
    assert_eq!(settings.clip_norm, Some(number("grad_clip")), "{name}");
    assert_eq!(settings.evaluate_every, EvaluateEvery::Steps(whole("logging_steps")), "{name}");
    assert_eq!(row["logging_steps"], row["save_steps"], "{name}");
    assert_eq!(settings.seed, whole("seed"), "{name}");
    assert_eq!(settings.select, Select::BestOnTest, "{name}");
    let Optimizer::AdamW { variant, eps, weight_decay, .. } = &settings.optimizer else {
        panic!("{name}: not AdamW");
    };
    assert_eq!(*variant, AdamVariant::HuggingFace, "{name}");
    assert_eq!((*eps, *weight_decay), (number("adam_eps"), number("weight_decay")), "{name}");
    let registry = Registry::load(&[]).expect("loads");
    let task = registry.get(&row["task"].replace('-', "_")).expect("a task");
    let file = |split: &str| {
        let file = task.splits[split].file.as_deref().unwrap_or_default();
        file.rsplit('/').next().unwrap_or_default().to_owned()
    };
    assert_eq!(file(&settings.train_split), row["train_file"], "{name}");
    assert_eq!(file(&task.report), row["test_file"], "{name}");
    if !row["dev_file"].is_empty() {
        assert_eq!(file(&settings.dev_split), row["dev_file"], "{name}");
    }
    if let Some(qa) = &task.qa {
        assert_eq!(
            (qa.max_answer_len, qa.n_best),
            (few("max_answer_len"), few("n_best")),
            "{name}"
        );
    }
    if !row["doc_stride"].is_empty() {
        assert_eq!(settings.doc_stride, Some(few("doc_stride")), "{name}");
        assert_eq!(settings.max_question_len, Some(few("max_query_len")), "{name}");
    }
}
