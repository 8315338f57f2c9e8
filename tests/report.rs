//! The report for people: its structure, its words, its hostile readers' texts, and what a real browser says of it.

#[path = "report/booking.rs"]
mod booking;

use postern::report::{Options, format};
use postern::review::Review;

fn html(review: &Review, lang: &str) -> String {
    let format = format("html").expect("the format is listed");
    let bytes = (format.render)(review, &Options::new(lang)).expect("it renders");
    String::from_utf8(bytes).expect("HTML is UTF-8")
}

#[test]
fn samples() {
    std::fs::create_dir_all("/tmp/html-out").unwrap();
    for lang in ["en", "zh-Hant"] {
        std::fs::write(
            format!("/tmp/html-out/booking.{lang}.html"),
            html(&booking::review(), lang),
        )
        .unwrap();
        std::fs::write(
            format!("/tmp/html-out/small.{lang}.html"),
            html(&postern::review::sample::small(), lang),
        )
        .unwrap();
        std::fs::write(
            format!("/tmp/html-out/clean.{lang}.html"),
            html(&postern::review::sample::clean(), lang),
        )
        .unwrap();
    }
}
