//! Charts of any input.

use proptest::prelude::*;

use super::super::*;
use super::xml;

/// Numbers that go wrong somewhere: none, huge, tiny, equal, and usual ones.
fn value() -> impl Strategy<Value = f64> {
    prop_oneof![
        3 => -1.0..1.0f64,
        2 => (-300..300i32).prop_map(|power| 10f64.powi(power)),
        1 => (-300..300i32).prop_map(|power| -(10f64.powi(power))),
        1 => prop::sample::select(vec![
            0.0, -0.0, 1.0, 0.5, f64::NAN, f64::INFINITY, f64::NEG_INFINITY, f64::MAX, f64::MIN, 5e-324
        ]),
    ]
}

fn ranged() -> impl Strategy<Value = Ranged> {
    (value(), prop::option::of(value()), prop::option::of(value()))
        .prop_map(|(value, low, high)| Ranged { value, low, high })
}

/// Text with what could leave its place, with Korean, with both directions, or very long.
fn text() -> impl Strategy<Value = String> {
    prop_oneof![
        "[a-z]{0,12}",
        "[<>&\"'\u{0}\u{1b}\u{202e}\u{2066}\u{fffe}가힣אب \\n\\t]{0,20}",
        ".{0,60}",
        "한{0,200}",
    ]
}

fn axis() -> impl Strategy<Value = Axis> {
    (text(), any::<bool>(), any::<bool>()).prop_map(|(label, log, percent)| {
        let scale = if log { Scale::Log } else { Scale::Linear };
        Axis { label, scale, percent }
    })
}

fn tone() -> impl Strategy<Value = Tone> {
    prop::sample::select(vec![Tone::Good, Tone::Bad, Tone::Unsure, Tone::Plain])
}

fn line_style() -> impl Strategy<Value = LineStyle> {
    let styles = [LineStyle::Line, LineStyle::Faint, LineStyle::Dots, LineStyle::Dashed];
    prop::sample::select(styles.to_vec())
}

fn several<T: std::fmt::Debug>(one: impl Strategy<Value = T>) -> impl Strategy<Value = Vec<T>> {
    prop::collection::vec(one, 0..12)
}

/// The chart is well-formed, has a title, and no number in it is none.
fn check(svg: &str) -> Result<(), TestCaseError> {
    let elements = xml::parse(svg).map_err(|e| TestCaseError::fail(format!("{e}: {svg}")))?;
    let number = ["x", "y", "x1", "x2", "y1", "y2", "cx", "cy", "r", "width", "height"];
    for element in &elements {
        for (name, value) in &element.attributes {
            if number.contains(&name.as_str()) && value != "100%" {
                let value: f64 = value.parse().map_err(|_| {
                    TestCaseError::fail(format!("{name}={value:?} of <{}>", element.name))
                })?;
                // Far outside of a picture nothing is drawn either.
                prop_assert!(value.abs() < 20_000.0, "{name}={value}");
                prop_assert!(value >= 0.0 || !["width", "height", "r"].contains(&name.as_str()));
            }
            if name == "d" {
                prop_assert!(!value.contains("NaN") && !value.contains("inf"), "{value}");
            }
        }
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn scatter(
        (title, description, x, y) in (text(), text(), axis(), axis()),
        points in several((text(), text(), ranged(), ranged())),
        front in any::<bool>(),
    ) {
        let points = points
            .into_iter()
            .map(|(label, group, x, y)| ScatterPoint { label, group, x, y })
            .collect();
        check(&Scatter { title, description, x, y, points, front }.svg())?;
    }

    #[test]
    fn intervals(
        (title, description, axis) in (text(), text(), axis()),
        rows in several((text(), ranged(), prop::option::of(value()), text())),
    ) {
        let rows = rows
            .into_iter()
            .map(|(label, at, reference, note)| IntervalRow { label, at, reference, note })
            .collect();
        check(&Intervals { title, description, axis, rows }.svg())?;
    }

    #[test]
    fn differences(
        (title, description, axis) in (text(), text(), axis()),
        rows in several((text(), ranged(), value(), any::<bool>(), text(), tone())),
    ) {
        let rows = rows
            .into_iter()
            .map(|(label, at, margin, higher_is_better, mark, tone)| DifferenceRow {
                label, at, margin, higher_is_better, mark, tone
            })
            .collect();
        check(&Differences { title, description, axis, rows }.svg())?;
    }

    #[test]
    fn lines(
        (title, description, x, y, right) in
            (text(), text(), axis(), axis(), prop::option::of(axis())),
        series in several((text(), line_style(), any::<bool>(), several((value(), ranged(), text())))),
        marks in several((value(), text(), any::<bool>())),
        ticks in several(text()),
    ) {
        let point = |(x, y, title)| LinePoint { x, y, title };
        let series = series
            .into_iter()
            .map(|(label, style, on_right, points)| LineSeries {
                label, style, on_right, points: points.into_iter().map(point).collect()
            })
            .collect();
        let marks = marks.into_iter().map(|(x, label, is_bad)| Mark { x, label, is_bad }).collect();
        check(&Lines { title, description, x, y, right, series, marks, ticks }.svg())?;
    }

    #[test]
    fn heatmap(
        (title, description, row_title, column_title) in (text(), text(), text(), text()),
        (rows, columns) in (several(text()), several(text())),
        counts in several(several(any::<u64>())),
    ) {
        check(&Heatmap { title, description, row_title, column_title, rows, columns, counts }.svg())?;
    }

    #[test]
    fn histogram(
        (title, description, axis) in (text(), text(), axis()),
        bins in several((value(), value(), any::<u64>())),
    ) {
        let bins = bins.into_iter().map(|(from, to, count)| Bin { from, to, count }).collect();
        check(&Histogram { title, description, axis, bins }.svg())?;
    }
}
