//! `postern check lint`: everything that is wrong with check files, and everything that they lack.

use std::path::PathBuf;

use clap::{Args, ValueEnum};
use serde_json::{Value, json};

use crate::catalogue::{self, Catalogue, File};
use crate::cli::library::{PluginsFile, check_files, same_ids};
use crate::cli::page::Page;
use crate::cli::{Exit, Globals, complain};
use crate::model::complaint::Complaint;

/// Say everything that is wrong with check files, and everything that they lack
///
/// An error is what keeps a file from being read: a wrong name, type, value or message. A lack is what every built-in
/// check has: tests of a pass, a fail and neither, its texts in English and Traditional Chinese, sources and a fix. One
/// bad file never hides the others.
#[derive(Debug, Args)]
#[command(after_help = "\
Exit codes: 0 nothing to say, 1 something lacks, 2 a file cannot be read as a check.

Examples:
  postern check lint ours
  postern check lint ours --format sarif > lint.sarif     for code hosts that show it beside the file
  postern check lint ours --format json | jq '.[].title'")]
pub(super) struct Lint {
    /// Check files, and folders of them [default: the built-in checks].
    #[arg(value_name = "PATH")]
    paths: Vec<PathBuf>,
    /// How to say it.
    #[arg(long, value_name = "FORM", default_value = "text")]
    format: Form,
    #[command(flatten)]
    plugins: PluginsFile,
}

/// How remarks are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Form {
    /// For people: on stderr, with an excerpt of the file.
    Text,
    /// A list of remarks, each with its place.
    Json,
    /// SARIF 2.1.0.
    Sarif,
}

/// How bad a remark is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Level {
    Error,
    Lack,
}

impl Level {
    /// As SARIF spells it (section 3.27.10).
    fn word(self) -> &'static str {
        match self {
            Self::Error => "error",
            Self::Lack => "warning",
        }
    }

    fn rule(self) -> &'static str {
        match self {
            Self::Error => "check-file/error",
            Self::Lack => "check-file/lacks",
        }
    }
}

impl Lint {
    pub(super) fn run(&self, globals: &Globals) -> Exit {
        let mut errors = Vec::new();
        let files = files(&self.paths, &mut errors);
        let vocabulary = self.plugins.vocabulary(&mut errors);
        let (catalogue, wrong) = Catalogue::read(&files, &vocabulary);
        errors.extend(wrong);
        let lacks: Vec<Complaint> =
            catalogue.checks().iter().flat_map(|check| catalogue::lint(check)).collect();
        let exit = match (errors.is_empty(), lacks.is_empty()) {
            (true, true) => Exit::Passed,
            (true, false) => Exit::Failed,
            (false, _) => Exit::Untrustworthy,
        };
        let count =
            format!("{} checks: {} errors, {} lacks", files.len(), errors.len(), lacks.len());
        let remarks: Vec<(Level, Complaint)> = errors
            .into_iter()
            .map(|error| (Level::Error, error))
            .chain(lacks.into_iter().map(|lack| (Level::Lack, lack)))
            .collect();
        let mut page = Page::new(globals);
        match self.format {
            Form::Text => {
                let all: Vec<Complaint> = remarks.into_iter().map(|(_, remark)| remark).collect();
                complain::complain(globals, &all);
                if !globals.quiet {
                    page.line(count);
                }
            }
            Form::Json => {
                let all: Vec<Value> =
                    remarks.iter().map(|(level, one)| as_json(*level, one)).collect();
                page.line(format!("{:#}", Value::from(all)));
            }
            Form::Sarif => page.line(format!("{:#}", sarif(&remarks))),
        }
        page.print();
        exit
    }
}

/// The check files that are meant: those of the paths, or the built-in ones.
pub(super) fn files(paths: &[PathBuf], complaints: &mut Vec<Complaint>) -> Vec<File> {
    if paths.is_empty() {
        return Catalogue::built_in_files();
    }
    let mut files = Vec::new();
    for path in paths {
        let found = check_files(path, complaints);
        if found.is_empty() && path.is_dir() {
            let title = format!("`{}` holds no check files", path.display());
            complaints.push(Complaint::nowhere(title).help("check files end in .yaml"));
        }
        files.extend(found);
    }
    complaints.extend(same_ids(&files));
    files
}

/// Where a remark is about: path, and first and last line and column, from 1 and in characters.
fn place(remark: &Complaint) -> Option<(String, [usize; 4])> {
    let (source, mark) = remark.at.as_ref()?;
    let (line, column) = source.line_column(mark.start);
    let (end_line, end_column) = source.line_column(mark.end.max(mark.start));
    let path = source.path.display().to_string().replace('\\', "/");
    Some((path, [line, column, end_line, end_column]))
}

fn as_json(level: Level, remark: &Complaint) -> Value {
    let mut value = json!({
        "level": level.word(),
        "title": remark.title,
        "label": remark.label,
        "help": remark.help,
    });
    if let (Some((file, [line, column, end_line, end_column])), Some(fields)) =
        (place(remark), value.as_object_mut())
    {
        let numbers = [
            ("line", line),
            ("column", column),
            ("end_line", end_line),
            ("end_column", end_column),
        ];
        fields.insert("file".into(), file.into());
        fields.extend(numbers.map(|(name, number)| (name.to_owned(), number.into())));
    }
    value
}

fn sarif(remarks: &[(Level, Complaint)]) -> Value {
    let rules = [
        (Level::Error, "A check file is read without an error"),
        (Level::Lack, "A check has its tests, texts, sources and fix"),
    ];
    let rules: Vec<Value> = rules
        .iter()
        .map(|(level, title)| json!({"id": level.rule(), "shortDescription": {"text": title}}))
        .collect();
    let results: Vec<Value> =
        remarks.iter().map(|(level, remark)| sarif_result(*level, remark)).collect();
    json!({
        "$schema": "https://json.schemastore.org/sarif-2.1.0.json",
        "version": "2.1.0",
        "runs": [{
            "tool": {"driver": {"name": "Postern", "version": env!("CARGO_PKG_VERSION"), "rules": rules}},
            "columnKind": "unicodeCodePoints",
            "results": results,
        }],
    })
}

fn sarif_result(level: Level, remark: &Complaint) -> Value {
    let text = std::iter::once(&remark.title).chain(&remark.help);
    let text = text.map(|part| format!("{part}.")).collect::<Vec<_>>().join(" ");
    let mut result = json!({
        "ruleId": level.rule(),
        "level": level.word(),
        "message": {"text": crate::report::sarif_text(&text)},
    });
    if let (Some((uri, [line, column, end_line, end_column])), Some(fields)) =
        (place(remark), result.as_object_mut())
    {
        let location = json!([{"physicalLocation": {
            "artifactLocation": {"uri": uri},
            "region": {"startLine": line, "startColumn": column, "endLine": end_line, "endColumn": end_column},
        }}]);
        fields.insert("locations".into(), location);
    }
    result
}
