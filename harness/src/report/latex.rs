//! Tables for a paper: a `tabular` with the rules of the booktabs package.

use super::grid::Grid;

/// The grid in a `table` environment, with notes below the `tabular`.
pub(super) fn table(grid: &Grid, caption: &str, notes: &[String]) -> String {
    let alignment: String =
        grid.columns.iter().map(|column| if column.numeric { 'r' } else { 'l' }).collect();
    let mut text = String::from(
        "% Needs \\usepackage{booktabs}. Where there is Hangul: xelatex or lualatex with \\usepackage{kotex}.\n\
         \\begin{table}\n\\centering\n",
    );
    text.push_str(&format!("\\caption{{{}}}\n", escape(caption)));
    text.push_str(&format!("\\begin{{tabular}}{{{alignment}}}\n\\toprule\n"));
    let line = |cells: Vec<String>| format!("{} \\\\\n", cells.join(" & "));
    text.push_str(&line(grid.columns.iter().map(|column| cell(&column.title)).collect()));
    text.push_str("\\midrule\n");
    for row in &grid.rows {
        text.push_str(&line(row.iter().map(|c| cell(&c.text)).collect()));
    }
    text.push_str("\\bottomrule\n\\end{tabular}\n");
    for (index, note) in notes.iter().enumerate() {
        text.push_str(&format!(
            "\n\\smallskip\\noindent{{\\footnotesize [{}] {}}}\n",
            index + 1,
            escape(note)
        ));
    }
    text.push_str("\\end{table}\n");
    text
}

/// A cell; one of several lines is stacked, an indented one stays so. Braces keep a leading `[` from being taken for an option of the `\\`
/// before it.
fn cell(text: &str) -> String {
    let indent = if text.starts_with(' ') { "\\quad " } else { "" };
    let lines: Vec<String> = text.trim().split('\n').map(escape).collect();
    match lines.as_slice() {
        [line] if line.starts_with('[') => format!("{{{line}}}"),
        [line] => format!("{indent}{line}"),
        lines => format!("\\shortstack{{{}}}", lines.join("\\\\")),
    }
}

/// Text without markup.
fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '&' | '%' | '$' | '#' | '_' | '{' | '}' => escaped.extend(['\\', character]),
            '\\' => escaped.push_str("\\textbackslash{}"),
            '~' => escaped.push_str("\\textasciitilde{}"),
            '^' => escaped.push_str("\\textasciicircum{}"),
            '<' => escaped.push_str("\\textless{}"),
            '>' => escaped.push_str("\\textgreater{}"),
            '|' => escaped.push_str("\\textbar{}"),
            _ => escaped.push(character),
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::grid::Column;

    #[test]
    fn markup_is_escaped_and_hangul_stays() {
        let grid = Grid {
            columns: vec![Column::text("Model"), Column::number("NSMC\nacc")],
            rows: vec![
                vec!["한국어_모델 50% & {x}\\^~".into(), "89.62".into()],
                vec!["  ours".into(), "a\nb ".into()],
                vec!["[1]".into(), "#1 <$>".into()],
            ],
        };
        let text = table(&grid, "A_B", &["see_this".to_owned()]);
        for line in [
            "\\caption{A\\_B}",
            "\\begin{tabular}{lr}",
            "Model & \\shortstack{NSMC\\\\acc} \\\\",
            "한국어\\_모델 50\\% \\& \\{x\\}\\textbackslash{}\\textasciicircum{}\\textasciitilde{} & 89.62 \\\\",
            "\\quad ours & \\shortstack{a\\\\b} \\\\",
            "{[1]} & \\#1 \\textless{}\\$\\textgreater{} \\\\",
            "\\bottomrule",
            "\\smallskip\\noindent{\\footnotesize [1] see\\_this}",
        ] {
            assert!(text.lines().any(|found| found == line), "no {line} in\n{text}");
        }
        assert_eq!(text.matches("\\begin").count(), text.matches("\\end").count());
    }
}
