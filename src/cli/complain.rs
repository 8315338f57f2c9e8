//! Shows complaints as rustc shows them: the sentence, the file with line and column, the excerpt, the advice.

use std::fmt::Write as _;
use std::io::{IsTerminal as _, Write as _};
use std::ops::Range;

use annotate_snippets::renderer::DEFAULT_TERM_WIDTH;
use annotate_snippets::{AnnotationKind, Element, Group, Level, Origin, Renderer, Snippet};
use clap::ColorChoice;

use super::Globals;
use crate::model::complaint::{Complaint, Source};
use crate::model::heard::shown;
use crate::report::Paint;

/// More complaints than this are counted, not shown.
const SHOWN_AT_MOST: usize = 100;

/// A longer line, in bytes, is named but not shown.
const LINE_AT_MOST: usize = 64 * 1024;

/// More characters of a line than this are not underlined.
const MARKED_AT_MOST: usize = 60;

/// Shows complaints on stderr, each after the other, and how many there are.
pub(crate) fn complain(globals: &Globals, complaints: &[Complaint]) {
    let stderr = std::io::stderr();
    let paint = wants_colour(globals.color, stderr.is_terminal());
    // Where stderr is gone there is nobody left to tell.
    let _ = stderr.lock().write_all(render(complaints, paint).as_bytes());
}

/// Says on stderr what is neither a result nor a mistake.
#[expect(clippy::print_stderr, reason = "what is no result goes to stderr")]
pub(crate) fn say(words: &str) {
    eprintln!("postern: {words}");
}

/// Whether to write in colour, as `--color`, `POSTERN_COLOR` and `NO_COLOR` (no-color.org) say.
pub(crate) fn wants_colour(choice: ColorChoice, is_terminal: bool) -> Paint {
    let no_colour = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
    match choice {
        ColorChoice::Always => Paint::Ansi,
        ColorChoice::Auto if is_terminal && !no_colour => Paint::Ansi,
        ColorChoice::Auto | ColorChoice::Never => Paint::Plain,
    }
}

/// The complaints as text, ending with their number where there are several.
pub(crate) fn render(complaints: &[Complaint], paint: Paint) -> String {
    let renderer = match paint {
        Paint::Ansi => Renderer::styled(),
        Paint::Plain => Renderer::plain(),
    };
    let renderer = renderer.term_width(DEFAULT_TERM_WIDTH + 40);
    let mut text = String::new();
    for complaint in complaints.iter().take(SHOWN_AT_MOST) {
        text.push_str(&one(&renderer, complaint));
        text.push_str("\n\n");
    }
    if complaints.len() > SHOWN_AT_MOST {
        let _ = write!(text, "… and {} more\n\n", complaints.len() - SHOWN_AT_MOST);
    }
    if complaints.len() > 1 {
        let _ = writeln!(text, "{} mistakes were found", complaints.len());
    }
    text
}

fn one(renderer: &Renderer, complaint: &Complaint) -> String {
    let title = Level::ERROR.primary_title(shown(&complaint.title));
    let mut group = Group::with_title(title);
    let label = shown(&complaint.label);
    if let Some((source, mark)) = &complaint.at {
        let (line, column) = source.line_column(mark.start);
        let path = shown(&source.path.display().to_string());
        group = match excerpt(source, mark) {
            None => group.element(Origin::path(path).line(line).char_column(column)),
            Some(excerpt) => {
                let annotation = AnnotationKind::Primary.span(excerpt.mark);
                let annotation =
                    if label.is_empty() { annotation } else { annotation.label(label) };
                let snippet = Snippet::source(excerpt.text).path(path).line_start(line);
                group.element(snippet.annotation(annotation))
            }
        };
    }
    let help = complaint.help.iter().map(|help| Element::from(Level::HELP.message(shown(help))));
    renderer.render(&[group.elements(help)])
}

/// A line of a file, made safe to show.
struct Excerpt {
    text: String,
    /// The bytes of it to mark.
    mark: Range<usize>,
}

/// The line that a mark begins on; none of an empty file, nor a line that is too long. Characters that steer a terminal or have no width become one
/// visible character each, so that columns stay right.
fn excerpt(source: &Source, mark: &Range<usize>) -> Option<Excerpt> {
    let start = source.text.get(..mark.start)?.rfind('\n').map_or(0, |at| at + 1);
    let line = source.text.get(start..)?.split('\n').next()?.trim_end_matches('\r');
    if source.text.is_empty() || line.len() > LINE_AT_MOST {
        return None;
    }
    let mut text = String::with_capacity(line.len());
    let (mut begin, mut end, mut marked) = (None, None, 0);
    for (at, c) in line.char_indices() {
        let place = start + at;
        if place >= mark.start {
            begin.get_or_insert(text.len());
        }
        text.push(visible(c));
        if begin.is_some() && place < mark.end && marked < MARKED_AT_MOST {
            marked += 1;
            end = Some(text.len());
        }
    }
    let begin = begin.unwrap_or(text.len());
    Some(Excerpt { mark: begin..end.unwrap_or(begin), text })
}

fn visible(c: char) -> char {
    match c {
        '\t' => ' ',
        c if shown(c.encode_utf8(&mut [0; 4])).chars().eq([c]) => c,
        _ => '\u{fffd}',
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;

    fn shows(text: &str, mark: Range<usize>) -> String {
        let source = Arc::new(Source { path: "inventory.yaml".into(), text: text.into() });
        let complaint =
            Complaint::at(&source, mark, "there is no field `nmae`; did you mean `name`?");
        render(&[complaint.label("here").help("what else may stand here: a")], Paint::Plain)
    }

    #[test]
    fn a_mistake_is_shown_in_its_place() {
        let text = "a: 1\nhosts:\n  - nmae: é\n";
        let wanted = "\
error: there is no field `nmae`; did you mean `name`?
 --> inventory.yaml:3:5
  |
3 |   - nmae: é
  |     ^^^^ here
  |
  = help: what else may stand here: a

";
        assert_eq!(shows(text, 16..20), wanted);
        assert!(shows(text, 22..24).contains("inventory.yaml:3:11\n"));
        assert!(shows(text, text.len()..text.len()).contains("inventory.yaml:4:1\n"));
        assert!(shows("", 0..0).contains("inventory.yaml:1:1\n"));
    }

    #[test]
    fn what_a_file_holds_cannot_steer_the_terminal() {
        let evil = "a\x1b[31m\u{202e}b\u{9b}: x\r\n";
        let text = shows(evil, 1..6);
        assert!(text.contains("1 | a\u{fffd}[31m\u{fffd}b\u{fffd}: x\n"), "{text}");
        let complaints = [Complaint::nowhere("x\x1b]0;title\x07"), Complaint::nowhere("z")];
        let text = render(&complaints, Paint::Plain);
        assert_eq!(text, "error: x\\x1b]0;title\\x07\n\nerror: z\n\n2 mistakes were found\n");
        assert!(render(&complaints, Paint::Ansi).contains("\x1b["));
    }

    #[test]
    fn long_lines_stay_short() {
        let text = shows(&"康健".repeat(10_000), 30_000..30_003);
        assert!(text.contains("inventory.yaml:1:10001\n"), "{text}");
        assert!(text.lines().all(|line| line.chars().count() < 200), "{text}");
        let text = shows(&format!("a: {}", "x".repeat(2_000_000)), 3..1_000_003);
        assert!(text.lines().all(|line| line.chars().count() < 200), "{text}");
        let many = vec![Complaint::nowhere("z"); 1000];
        assert!(
            render(&many, Paint::Plain).ends_with("… and 900 more\n\n1000 mistakes were found\n")
        );
    }
}
