//! A comparison in a terminal.

use super::super::grid::Tone;
use super::super::number::{grouped, one_line};
use super::super::terminal::{Look, grid, wrapped};
use super::line::{self, Line};
use super::{Judged, counts, differences, explain, words};
use crate::compare::{Flip, FlipKind, Severity, Side, Verdict};
use crate::text::shorten;

/// Sentences of a part that are shown; JSON has all.
pub(super) const LISTED: usize = 40;

/// Characters of a row's text in a list of flips.
const TEXT: usize = 60;

pub(super) fn render(judged: &Judged<'_>, look: &Look) -> String {
    let comparison = judged.comparison;
    let mut text = wrapped("base  ", &side(&comparison.base), look);
    text += &wrapped("new   ", &side(&comparison.new), look);
    let lines = line::worth_showing(comparison);
    if !lines.is_empty() {
        text += &grid(&line::grid(&lines), look);
        text += &wrapped("", line::LEGEND, look);
    }
    text += &section("cannot be compared", &refused(judged), look);
    text += &section("only in the base", &unmatched(judged, true), look);
    text += &section("only in the new run", &unmatched(judged, false), look);
    text += &section("different", &differences::sentences(comparison), look);
    text += &section("to know", &notes(judged), look);
    text += &inconclusive(&lines, look);
    text += &flips(judged, look);
    // What was refused has a part of its own.
    let judged_by = judged.gate.reasons.iter().filter(|r| r.severity != Severity::Refusal);
    let reasons: Vec<String> = judged_by
        .map(|reason| {
            let head = if reason.severity == Severity::Error { "fails" } else { "warns" };
            let about = if reason.about.is_empty() { "" } else { ": " };
            one_line(&format!("{head}: {}{about}{}", reason.about, reason.text))
        })
        .collect();
    text += &section(&format!("policy {}", one_line(&comparison.policy)), &reasons, look);
    let tone = match judged.gate.verdict {
        crate::compare::GateVerdict::Pass => Tone::Good,
        _ => Tone::Bad,
    };
    text + "\n" + &toned(&counts::summary(judged), tone, look) + "\n"
}

fn toned(text: &str, tone: Tone, look: &Look) -> String {
    let colour = match tone {
        Tone::Good => anstyle::AnsiColor::Green,
        _ => anstyle::AnsiColor::Red,
    };
    if !look.colour {
        return text.to_owned();
    }
    let style = colour.on_default().bold();
    format!("{style}{text}{style:#}")
}

/// A side in one line.
pub(super) fn side(side: &Side) -> String {
    let version = side.kobench_version.as_ref().map(|version| {
        let revision = side.git_revision.as_ref().map(|revision| format!(" at {revision}"));
        format!("kobench {version}{}", revision.unwrap_or_default())
    });
    let details: Vec<String> = [Some(words::kind(side.kind).to_owned()), side.created_at.clone()]
        .into_iter()
        .chain([version])
        .flatten()
        .collect();
    one_line(&format!("{} ({})", side.path, details.join(", ")))
}

/// A title and a sentence a line; nothing where there are none.
fn section(title: &str, sentences: &[String], look: &Look) -> String {
    if sentences.is_empty() {
        return String::new();
    }
    let (sentences, more) = sentences.split_at(sentences.len().min(LISTED));
    let lines = sentences.iter().map(|sentence| wrapped("  - ", sentence, look));
    let more = (!more.is_empty()).then(|| format!("  - and {} more\n", grouped(more.len() as u64)));
    format!("\n{title}:\n{}{}", lines.collect::<String>(), more.unwrap_or_default())
}

/// Why cells were refused, each reason once with the cells that it is true of.
pub(super) fn refused(judged: &Judged<'_>) -> Vec<String> {
    let mut reasons: Vec<(String, Vec<&str>)> = Vec::new();
    for cell in &judged.comparison.refused {
        let what = cell.differences.iter().map(|difference| {
            let (base, new) =
                (differences::short(&difference.base), differences::short(&difference.new));
            format!("{} {base} -> {new}", difference.what.replace('_', " "))
        });
        let what = what.collect::<Vec<_>>().join("; ");
        match reasons.iter_mut().find(|(reason, _)| *reason == what) {
            Some((_, cells)) => cells.push(&cell.label),
            None => reasons.push((what, vec![&cell.label])),
        }
    }
    let sentence = |(what, cells): (String, Vec<&str>)| match cells.as_slice() {
        [only] => one_line(&format!("{only}: {what}")),
        [first, ..] => one_line(&format!("{} cells, as {first}: {what}", cells.len())),
        [] => what,
    };
    reasons.into_iter().map(sentence).collect()
}

pub(super) fn unmatched(judged: &Judged<'_>, base: bool) -> Vec<String> {
    let comparison = judged.comparison;
    let cells = if base { &comparison.only_base } else { &comparison.only_new };
    let sentence = |cell: &crate::compare::Unmatched| {
        let said = match cell.verdict {
            Verdict::Pass | Verdict::Improvement => "",
            Verdict::Inconclusive => ": not judged",
            Verdict::Regression => ": must be there",
        };
        one_line(&format!("{}{said}", cell.label))
    };
    cells.iter().map(sentence).collect()
}

/// Notes of the whole and of speeds, each once.
pub(super) fn notes(judged: &Judged<'_>) -> Vec<String> {
    let comparison = judged.comparison;
    let mut notes: Vec<String> = Vec::new();
    for note in comparison.notes.iter().chain(comparison.speeds.iter().flat_map(|s| &s.notes)) {
        let note = one_line(note);
        if !notes.contains(&note) {
            notes.push(note);
        }
    }
    notes
}

/// Remedies for what is inconclusive and decides.
pub(super) fn remedies(lines: &[Line<'_>]) -> Vec<String> {
    let open = lines.iter().filter(|l| l.gates() && l.verdict() == Verdict::Inconclusive);
    open.map(|l| one_line(&format!("{}, {}: {}", l.label(), l.what(), explain::remedy(l))))
        .collect()
}

fn inconclusive(lines: &[Line<'_>], look: &Look) -> String {
    let remedies = remedies(lines);
    if remedies.is_empty() {
        return String::new();
    }
    let section = section("what would tell", &remedies, look);
    section + &wrapped("", explain::INCONCLUSIVE, look)
}

fn flips(judged: &Judged<'_>, look: &Look) -> String {
    let mut text = String::new();
    for cell in judged.comparison.cells.iter().filter(|cell| !cell.flips.rows.is_empty()) {
        let flips = &cell.flips;
        let title = format!(
            "{}: {} broken, {} fixed, {} changed at all",
            one_line(&cell.label),
            grouped(flips.broken),
            grouped(flips.fixed),
            grouped(flips.changed)
        );
        let rows: Vec<String> = flips.rows.iter().map(flip).collect();
        text += &section(&title, &rows, look);
    }
    text
}

/// `broken row 7 (9976970): gold 1, 1 -> 0: 정말 재미있다`.
fn flip(flip: &Flip) -> String {
    let id = flip.id.as_ref().map(|id| format!(" ({id})")).unwrap_or_default();
    let text = flip.text.as_ref().map(|text| format!(": {}", shorten(&one_line(text), TEXT)));
    let said = |side: &Option<String>| side.as_deref().unwrap_or("?").to_owned();
    one_line(&format!(
        "{} row {}{id}: gold {}, {} -> {}{}",
        flip_word(flip.kind),
        flip.i,
        flip.gold,
        said(&flip.base),
        said(&flip.new),
        text.unwrap_or_default()
    ))
}

pub(super) fn flip_word(kind: FlipKind) -> &'static str {
    match kind {
        FlipKind::Broken => "broken",
        FlipKind::Fixed => "fixed",
    }
}
