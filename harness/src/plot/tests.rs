//! What holds for all charts: well-formed for any input, no number that is none, no text on another.

mod any;
mod gallery;
mod xml;

use super::style::TextSize;
use super::text::width;
use xml::Element;

/// Where the texts of a chart stand: left, top, right, bottom.
fn boxes(chart: &[Element]) -> Vec<(String, [f64; 4])> {
    let of = |element: &Element| {
        let number = |name: &str| element.attributes[name].parse::<f64>().unwrap();
        let class = &element.attributes["class"];
        let size = [TextSize::Title, TextSize::Base, TextSize::Small]
            .into_iter()
            .find(|size| class.starts_with(size.class()))
            .unwrap();
        let (x, y, wide) = (number("x"), number("y"), width(&element.text, size));
        let left = match element.attributes.get("text-anchor").map(String::as_str) {
            Some("middle") => x - wide / 2.0,
            Some("end") => x - wide,
            _ => x,
        };
        // Letters reach from three quarters above the baseline to a fifth below it.
        let pixels = size.pixels();
        (element.text.clone(), [left, y - 0.75 * pixels, left + wide, y + 0.2 * pixels])
    };
    // Texts that are turned have their place from the group around them.
    chart.iter().filter(|e| e.name == "text" && !e.is_turned).map(of).collect()
}

#[test]
fn no_text_covers_another_or_leaves_the_picture() {
    for (name, svg) in gallery::charts() {
        let chart = xml::parse(&svg).unwrap();
        let size =
            ["width", "height"].map(|side| chart[0].attributes[side].parse::<f64>().unwrap());
        let boxes = boxes(&chart);
        assert!(boxes.len() > 4, "{name}");
        for (index, (text, [left, top, right, bottom])) in boxes.iter().enumerate() {
            assert!(
                *left >= 0.0 && *top >= 0.0 && *right <= size[0] && *bottom <= size[1],
                "{name}: {text:?} leaves the picture"
            );
            for (other, [l, t, r, b]) in &boxes[..index] {
                let apart = left >= r || l >= right || top >= b || t >= bottom;
                assert!(apart, "{name}: {text:?} covers {other:?}");
            }
        }
    }
}

#[test]
fn charts_can_stand_side_by_side_and_are_read_aloud() {
    for (name, svg) in gallery::charts() {
        let chart = xml::parse(&svg).unwrap();
        assert_eq!(chart[0].attributes["role"], "img", "{name}");
        assert_eq!((chart[1].name.as_str(), chart[2].name.as_str()), ("title", "desc"), "{name}");
        assert!(!chart[1].text.is_empty() && !chart[2].text.is_empty(), "{name}");
        assert!(chart.iter().all(|element| !element.attributes.contains_key("id")), "{name}");
        let width = &chart[0].attributes["width"];
        assert!(chart[0].attributes["viewBox"].starts_with(&format!("0 0 {width} ")), "{name}");
        // A style would reach the page around it if it did not speak of charts alone.
        let style = &chart.iter().find(|element| element.name == "style").unwrap().text;
        for rule in style.split('}').filter(|rule| rule.contains('{')) {
            assert!(rule.contains(".kb-plot"), "{name}: {rule}");
        }
    }
}

/// Writes the charts of the gallery into the folder that `KOBENCH_PLOTS` names, to be looked at.
#[test]
fn the_gallery_can_be_written_to_a_folder() {
    let Some(folder) = std::env::var_os("KOBENCH_PLOTS") else {
        eprintln!("skipped: KOBENCH_PLOTS names no folder");
        return;
    };
    std::fs::create_dir_all(&folder).unwrap();
    for (name, svg) in gallery::charts() {
        std::fs::write(std::path::Path::new(&folder).join(format!("{name}.svg")), svg).unwrap();
    }
}
