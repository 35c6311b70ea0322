//! Colours and type of all charts: one style sheet, scoped to `.kb-plot`, in each of them.
//!
//! Light is the default; dark is what the reader's system asks for, unless the page says otherwise with
//! `data-theme="dark"` or `"light"` on its root. On paper it is light. A page may set `--kb-surface`, `--kb-ink`,
//! `--kb-muted` and `--kb-grid` to its own colours. Programs that know no custom properties (most that make PDF of
//! SVG) find a plain light colour before each of them.

use std::fmt::Write as _;
use std::sync::LazyLock;

/// The sizes of text.
#[derive(Clone, Copy, PartialEq)]
pub(super) enum TextSize {
    Title,
    Base,
    Small,
}

impl TextSize {
    pub(super) const fn pixels(self) -> f64 {
        match self {
            Self::Title => 14.0,
            Self::Base => 12.0,
            Self::Small => 11.0,
        }
    }

    pub(super) const fn class(self) -> &'static str {
        match self {
            Self::Title => "kb-title",
            Self::Base => "kb-base",
            Self::Small => "kb-small",
        }
    }
}

/// A colour by name, on a light and on a dark surface.
type Colour = (&'static str, &'static str, &'static str);

/// Those that a page may replace.
const SURFACES: [Colour; 4] = [
    ("surface", "#ffffff", "#15181d"),
    ("ink", "#1b1f24", "#f0f2f4"),
    ("muted", "#5a6068", "#a6adb5"),
    ("grid", "#e3e6ea", "#2d323a"),
];

/// Colours of series and groups. The hues are near those of Okabe and Ito (2008); the lightness differs between
/// neighbours, so that they stay apart for readers who see two colours, and in grey.
const SERIES: [Colour; 6] = [
    ("c0", "#2479c2", "#6cc8ff"),
    ("c1", "#9e3200", "#d9741a"),
    ("c2", "#2fa37b", "#4bf0a6"),
    ("c3", "#7a3fe0", "#9d78f5"),
    ("c4", "#9a8c10", "#f0e442"),
    ("c5", "#6b1560", "#db5c8e"),
];

/// Colours of verdicts, and of shares in a matrix.
const MEANINGS: [Colour; 5] = [
    ("good", "#00705f", "#3cc9ae"),
    ("bad", "#b3261e", "#ff8a65"),
    ("unsure", "#7d6b00", "#e3b341"),
    ("plain", "#5a6068", "#a6adb5"),
    ("heat", "#0b4f8a", "#7cc4f2"),
];

const FONTS: &str = "Pretendard,\"Noto Sans KR\",\"Noto Sans CJK KR\",\"Apple SD Gothic Neo\",\"Malgun Gothic\",\
     system-ui,-apple-system,\"Segoe UI\",sans-serif";

const RULES: &str = "\
.kb-plot text{font-variant-numeric:tabular-nums}\
.kb-plot .kb-title{font-size:14px;font-weight:600}\
.kb-plot .kb-base{font-size:12px}\
.kb-plot .kb-small{font-size:11px}\
.kb-plot .kb-toned{fill:currentColor}\
.kb-plot .kb-halo{paint-order:stroke;stroke-width:3px;stroke-linejoin:round}\
.kb-plot .kb-axis,.kb-plot .kb-gridline,.kb-plot .kb-front,.kb-plot .kb-leader{fill:none;stroke-width:1}\
.kb-plot .kb-front{stroke-width:1.2;stroke-dasharray:5 3}\
.kb-plot .kb-leader{stroke-width:.8}\
.kb-plot .kb-line{fill:none;stroke:currentColor;stroke-width:1.8;stroke-linejoin:round;stroke-linecap:round}\
.kb-plot .kb-faint{fill:none;stroke:currentColor;stroke-width:1;stroke-opacity:.4;stroke-linejoin:round}\
.kb-plot .kb-dashed{fill:none;stroke:currentColor;stroke-width:1.4;stroke-dasharray:4 3}\
.kb-plot .kb-whisker{fill:none;stroke:currentColor;stroke-width:1.4;stroke-opacity:.65}\
.kb-plot .kb-mark{fill:currentColor;stroke-width:1}\
.kb-plot .kb-mark.kb-hollow{stroke:currentColor;stroke-width:1.5}\
.kb-plot .kb-band{fill:currentColor;fill-opacity:.14;stroke:none}\
.kb-plot .kb-bar{fill:currentColor;stroke:none}\
.kb-plot .kb-change{fill:none;stroke:currentColor;stroke-width:1.2;stroke-dasharray:2 3}\
.kb-plot .kb-cell{stroke-width:1}";

/// What takes which colour.
const PAINTS: [(&str, &str, &str); 11] = [
    (".kb-surface", "fill", "surface"),
    ("text", "fill", "ink"),
    (".kb-muted", "fill", "muted"),
    (".kb-over", "fill", "surface"),
    (".kb-halo", "stroke", "surface"),
    (".kb-gridline", "stroke", "grid"),
    (".kb-axis", "stroke", "muted"),
    (".kb-front,.kb-plot .kb-leader", "stroke", "muted"),
    (".kb-mark", "stroke", "surface"),
    (".kb-hollow", "fill", "surface"),
    (".kb-cell", "stroke", "surface"),
];

/// The style sheet.
pub(super) static STYLE: LazyLock<String> = LazyLock::new(|| {
    let light = theme(|colour| colour.1);
    let dark = theme(|colour| colour.2);
    let mut css = format!(
        ".kb-plot{{max-width:100%;height:auto;direction:ltr;font-family:{FONTS};{light}}}\
         @media(prefers-color-scheme:dark){{.kb-plot{{{dark}}}}}\
         :root[data-theme=\"light\"] .kb-plot{{{light}}}\
         :root[data-theme=\"dark\"] .kb-plot{{{dark}}}\
         @media print{{.kb-plot,:root[data-theme] .kb-plot{{{light}}}}}"
    );
    // Colours after shapes: a cell of a matrix is a bar, but has an edge.
    css.push_str(RULES);
    for (class, property, name) in PAINTS {
        paint(&mut css, class, property, name);
    }
    for (name, ..) in SERIES.iter().chain(&MEANINGS) {
        paint(&mut css, &format!(".kb-{name}"), "color", name);
    }
    css
});

fn all() -> impl Iterator<Item = &'static Colour> {
    SURFACES.iter().chain(&SERIES).chain(&MEANINGS)
}

fn theme(colour: fn(&Colour) -> &'static str) -> String {
    let mut css = String::new();
    for entry in all() {
        let (name, value) = (entry.0, colour(entry));
        let _ = if SURFACES.contains(entry) {
            write!(css, "--k-{name}:var(--kb-{name},{value});")
        } else {
            write!(css, "--k-{name}:{value};")
        };
    }
    css
}

fn paint(css: &mut String, selector: &str, property: &str, name: &str) {
    let plain = all().find(|colour| colour.0 == name).map_or("#000", |colour| colour.1);
    let _ = write!(css, ".kb-plot {selector}{{{property}:{plain};{property}:var(--k-{name})}}");
}

/// The class that colours the series or group with this index; there are six, then they come again.
pub(super) fn series(index: usize) -> &'static str {
    ["kb-c0", "kb-c1", "kb-c2", "kb-c3", "kb-c4", "kb-c5"][index % SERIES.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Linear RGB.
    fn linear(colour: &str) -> [f64; 3] {
        [1, 3, 5].map(|at| {
            let c = f64::from(u8::from_str_radix(&colour[at..at + 2], 16).unwrap()) / 255.0;
            if c <= 0.040_45 { c / 12.92 } else { ((c + 0.055) / 1.055).powf(2.4) }
        })
    }

    fn luminance([r, g, b]: [f64; 3]) -> f64 {
        0.2126 * r + 0.7152 * g + 0.0722 * b
    }

    /// Contrast as WCAG 2.2 defines it.
    fn contrast(a: &str, b: &str) -> f64 {
        let (a, b) = (luminance(linear(a)) + 0.05, luminance(linear(b)) + 0.05);
        (a / b).max(b / a)
    }

    fn lab(rgb: [f64; 3]) -> [f64; 3] {
        let [r, g, b] = rgb;
        let f = |t: f64| if t > 0.008_856 { t.cbrt() } else { 7.787 * t + 16.0 / 116.0 };
        let x = f((0.4124 * r + 0.3576 * g + 0.1805 * b) / 0.9505);
        let y = f(luminance(rgb));
        let z = f((0.0193 * r + 0.1192 * g + 0.9505 * b) / 1.089);
        [116.0 * y - 16.0, 500.0 * (x - y), 200.0 * (y - z)]
    }

    /// Whole protanopia and deuteranopia: Machado, Oliveira and Fernandes (2009), table of severity 1.0.
    const SIGHTS: [[[f64; 3]; 3]; 3] = [
        [[1.0, 0.0, 0.0], [0.0, 1.0, 0.0], [0.0, 0.0, 1.0]],
        [
            [0.152_286, 1.052_583, -0.204_868],
            [0.114_503, 0.786_281, 0.099_216],
            [-0.003_882, -0.048_116, 1.051_998],
        ],
        [
            [0.367_322, 0.860_646, -0.227_968],
            [0.280_085, 0.672_501, 0.047_413],
            [-0.011_820, 0.042_940, 0.968_881],
        ],
    ];

    fn seen(colour: &str, sight: &[[f64; 3]; 3]) -> [f64; 3] {
        let rgb = linear(colour);
        lab(sight.map(|row| {
            row.iter().zip(rgb).map(|(weight, c)| weight * c).sum::<f64>().clamp(0.0, 1.0)
        }))
    }

    #[test]
    fn everything_stands_out_from_its_surface() {
        let surface = SURFACES[0];
        for (name, light, dark) in all().skip(1) {
            // WCAG asks for 3 of graphics and 4.5 of text; the grid is decoration.
            let least = match *name {
                "grid" => 1.1,
                "ink" | "muted" | "good" | "bad" | "unsure" | "plain" => 4.5,
                _ => 3.0,
            };
            let contrasts = [contrast(light, surface.1), contrast(dark, surface.2)];
            assert!(contrasts.iter().all(|c| *c >= least), "{name}: {contrasts:?}");
        }
    }

    /// `over` with this opacity on `under`, as browsers mix them.
    fn mixed(over: &str, under: &str, opacity: f64) -> String {
        let channel = |colour: &str, at: usize| {
            f64::from(u8::from_str_radix(&colour[at..at + 2], 16).unwrap())
        };
        let mix = |at| opacity * channel(over, at) + (1.0 - opacity) * channel(under, at);
        [1, 3, 5].iter().fold("#".to_owned(), |text, at| format!("{text}{:02x}", mix(*at) as u8))
    }

    #[test]
    fn counts_can_be_read_on_all_cells_of_a_matrix() {
        let [surface, ink, ..] = SURFACES;
        let heat = MEANINGS[4];
        for share in 0..=100 {
            let share = f64::from(share) / 100.0;
            let text = if share >= 0.5 { surface } else { ink };
            let depth = super::super::heatmap::depth(share);
            let light = contrast(text.1, &mixed(heat.1, surface.1, depth));
            let dark = contrast(text.2, &mixed(heat.2, surface.2, depth));
            assert!(light > 4.5 && dark > 4.5, "{share}: {light} {dark}");
        }
    }

    #[test]
    fn series_are_told_apart_without_red_and_green() {
        for (index, a) in SERIES.iter().enumerate() {
            for b in &SERIES[..index] {
                for sight in &SIGHTS {
                    for (x, y) in [(a.1, b.1), (a.2, b.2)] {
                        let (one, other) = (seen(x, sight), seen(y, sight));
                        let distance: f64 =
                            one.iter().zip(other).map(|(p, q)| (p - q).powi(2)).sum();
                        assert!(distance.sqrt() > 15.0, "{x} and {y}: {}", distance.sqrt());
                    }
                }
            }
        }
    }

    #[test]
    fn the_style_sheet_is_small_and_needs_no_escapes() {
        assert!(STYLE.len() < 8000, "{}", STYLE.len());
        assert!(!STYLE.contains(['<', '&', '>']));
        assert_eq!(STYLE.matches('{').count(), STYLE.matches('}').count());
    }
}
