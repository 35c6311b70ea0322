//! The page: its head, the navigation, and all sections.

use super::Report;
use super::policy::content_security_policy;
use super::section::Section;
use super::summary::{banner, of_gate, tiles};
use super::writer::{Html, html};
use crate::report::number::one_line;

const STYLE: &str = include_str!("style.css");
const SCRIPT: &str = include_str!("script.js");

/// The whole document.
pub(super) fn page(report: &Report<'_>, sections: &[Section]) -> String {
    let page = html(|html| {
        html.markup("<!doctype html>\n");
        html.element("html", &[("lang", "en")], |html| {
            head(report, sections, html);
            html.element("body", &[], |html| {
                html.leaf("a", &[("class", "skip"), ("href", "#content")], "Skip to the content");
                header(report, html);
                bar(report, sections, html);
                html.element("main", &[("id", "content"), ("tabindex", "-1")], |html| {
                    banner(report, html);
                    tiles(report, html);
                    sections.iter().for_each(|section| section.write(html));
                });
                footer(report, html);
                html.element("script", &[], |html| {
                    html.markup(SCRIPT);
                });
            });
        });
        html.markup("\n");
    });
    page.into_string()
}

fn head(report: &Report<'_>, sections: &[Section], html: &mut Html) {
    let policy = content_security_policy(SCRIPT);
    html.element("head", &[], |html| {
        html.element("meta", &[("charset", "utf-8")], |_| ());
        let policy = [("http-equiv", "Content-Security-Policy"), ("content", policy.as_str())];
        html.element("meta", &policy, |_| ());
        let viewport = [("name", "viewport"), ("content", "width=device-width, initial-scale=1")];
        html.element("meta", &viewport, |_| ());
        html.element("meta", &[("name", "color-scheme"), ("content", "light dark")], |_| ());
        let generator = format!("kobench {}", crate::VERSION);
        html.element("meta", &[("name", "generator"), ("content", &generator)], |_| ());
        html.leaf("title", &[], one_line(&report.title));
        html.element("style", &[], |html| {
            // Charts first: the page replaces some of their colours.
            let mut styles: Vec<&str> = Vec::new();
            for style in sections.iter().flat_map(|section| &section.styles) {
                if !styles.contains(&style.as_str()) {
                    styles.push(style);
                    html.markup(style);
                }
            }
            html.markup(STYLE);
        });
    });
}

fn header(report: &Report<'_>, html: &mut Html) {
    html.element("header", &[("class", "top")], |html| {
        html.leaf("p", &[("class", "brand")], "kobench report");
        html.leaf("h1", &[], one_line(&report.title));
        html.element("p", &[("class", "meta")], |html| {
            let runs: Vec<String> = (report.material.runs.iter())
                .map(|run| one_line(&run.path.display().to_string()))
                .collect();
            const NAMED: usize = 4;
            html.text(if runs.len() == 1 { "Run " } else { "Runs " });
            html.text(runs[..runs.len().min(NAMED)].join(", "));
            if runs.len() > NAMED {
                html.text(format!(" and {} more", runs.len() - NAMED));
            }
            html.text(" · ");
            let time = report.created_at.replace('T', " ");
            html.leaf("time", &[("datetime", &report.created_at)], time.trim_end_matches('Z'));
            html.text(format!(" UTC · kobench {}", crate::VERSION));
        });
    });
}

/// What stays in sight: the verdict, and the way to each section. The script puts the switch of light and dark into it.
fn bar(report: &Report<'_>, sections: &[Section], html: &mut Html) {
    html.element("div", &[("class", "bar")], |html| {
        html.element("div", &[("class", "bar-inner")], |html| {
            if let Some(judged) = report.comparison {
                let (sign, word, class) = of_gate(judged.gate.verdict);
                let class = format!("chip {class}");
                html.element("a", &[("class", &class), ("href", "#comparison")], |html| {
                    html.leaf("span", &[("class", "sign"), ("aria-hidden", "true")], sign);
                    html.text(word);
                });
            }
            html.element("nav", &[("aria-label", "Sections")], |html| {
                html.element("ul", &[], |html| {
                    for section in sections {
                        html.element("li", &[], |html| {
                            let to = format!("#{}", section.id);
                            html.leaf("a", &[("href", &to)], section.title);
                        });
                    }
                });
            });
            html.element("div", &[("id", "tools")], |_| ());
        });
    });
}

fn footer(report: &Report<'_>, html: &mut Html) {
    html.element("footer", &[], |html| {
        html.leaf(
            "p",
            &[],
            format!(
                "Made by kobench {} on {}. This file is whole: it loads nothing.",
                crate::VERSION,
                report.created_at
            ),
        );
    });
}
