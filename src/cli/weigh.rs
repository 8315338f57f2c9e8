//! From a book to a review: what `judge` does by itself, and `scan` and `demo` do at their end.

use std::path::Path;
use std::sync::Arc;

use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject as _;

use crate::book::Book;
use crate::catalogue::Catalogue;
use crate::controls::Framework;
use crate::facts::{self, FactBase, Vocabulary};
use crate::inventory::waivers::{Waiver, Waivers};
use crate::inventory::{Host, Inventory};
use crate::judge::{Judgement, judge};
use crate::model::complaint::{Complaint, Source};
use crate::model::moment::Moment;
use crate::model::net::HostId;
use crate::model::plan::Wanted;
use crate::plan::{self, Asked};
use crate::profile::Profile;
use crate::review::{self, AuthorisationLine, PackLine, Review, ReviewInput, without_a_sign};
use crate::scope::Authorisation;

/// What a book is weighed by.
#[derive(Clone, Copy)]
pub(crate) struct Measure<'a> {
    /// All checks.
    pub(crate) catalogue: &'a Catalogue,
    /// Those that are chosen.
    pub(crate) profile: &'a Profile,
    /// The frameworks whose requirements the results are held against.
    pub(crate) frameworks: &'a [Framework],
    /// Where all that comes from.
    pub(crate) packs: &'a [PackLine],
    /// What people have decided to accept; none takes what stands in the book.
    pub(crate) waivers: Option<&'a [Waiver]>,
    /// The review to compare with.
    pub(crate) last: Option<&'a Review>,
    /// The time of the review.
    pub(crate) now: Moment,
}

/// The facts of a book, and what the checks of a profile come to on them.
pub(crate) struct Judged {
    inventory: Inventory,
    /// The facts.
    pub(crate) facts: FactBase,
    /// What the checks come to.
    pub(crate) judgement: Judgement,
}

/// Derives the facts of a book and judges them.
///
/// # Errors
/// The book holds what this version cannot read, or (ours) a planned test came to nothing.
pub(crate) fn judged(book: &Book, measure: &Measure<'_>) -> Result<Judged, Complaint> {
    let opened = book.opened();
    let Measure { catalogue, profile, .. } = *measure;
    let mut inventory = inventory(book)?;
    // Where nobody was found there is nothing to judge; the review says on how many ports that was.
    let silent = without_a_sign(book.rows());
    inventory.hosts.retain(|host| !host.unlisted || !silent.contains(&host.id));
    let trust = authorities(&opened.trust)?;
    let vocabulary = profile.vocabulary(catalogue);
    let facts = facts::derive(&inventory, &opened.plan, book.rows(), &vocabulary, &trust);
    let judgement = judge(profile, &facts, &wanted(book, profile, &inventory, &vocabulary))
        .map_err(|wrong| ours(&wrong))?;
    Ok(Judged { inventory, facts, judgement })
}

/// Derives the facts of a book, judges them and makes the review.
///
/// # Errors
/// The book holds what this version cannot read, the last review cannot be compared with, or (ours) a planned test
/// came to nothing.
pub(crate) fn weigh(book: &Book, measure: &Measure<'_>) -> Result<Review, Complaint> {
    review_of(book, measure, &judged(book, measure)?)
}

/// Makes the review of a book that was judged.
///
/// # Errors
/// The book holds what this version cannot read, or the last review cannot be compared with.
pub(crate) fn review_of(
    book: &Book,
    measure: &Measure<'_>,
    judged: &Judged,
) -> Result<Review, Complaint> {
    let opened = book.opened();
    let Measure { catalogue, profile, .. } = *measure;
    let authorisations: Vec<Authorisation> = opened
        .authorisations
        .iter()
        .map(|one| part("authorisation", one))
        .collect::<Result<_, _>>()?;
    let authorisations: Vec<_> = authorisations.iter().map(line).collect();
    let waivers = match measure.waivers {
        Some(given) => given.to_vec(),
        None => of_book(&opened.waivers)?,
    };
    review::review(ReviewInput {
        judgement: &judged.judgement,
        facts: &judged.facts,
        profile,
        catalogue_digest: catalogue.digest(),
        frameworks: measure.frameworks,
        packs: measure.packs,
        inventory: &judged.inventory,
        waivers: &waivers,
        authorisations: &authorisations,
        opened,
        rows: book.rows(),
        book_digest: book.digest(),
        last: measure.last,
        version: env!("CARGO_PKG_VERSION"),
        now: measure.now,
    })
    .map_err(|wrong| {
        Complaint::nowhere(wrong.to_string()).help("compare with a review of the same inventory")
    })
}

/// The inventory that a book was made of.
///
/// # Errors
/// An earlier or later version wrote it in a form that this one cannot read.
pub(crate) fn inventory(book: &Book) -> Result<Inventory, Complaint> {
    part("inventory", &book.opened().inventory)
}

/// The time, by this machine's clock.
#[expect(clippy::disallowed_methods, reason = "the command line is where the time comes in")]
pub(crate) fn now() -> Moment {
    Moment::from_unix_millis(jiff::Timestamp::now().as_millisecond())
}

/// Reads a review that was written.
///
/// # Errors
/// The file cannot be read, or is no review of a version that this program knows.
pub(crate) fn read_review(path: &Path) -> Result<Review, Complaint> {
    let text = std::fs::read_to_string(path).map_err(|wrong| {
        Complaint::nowhere(format!("`{}` cannot be read: {wrong}", path.display()))
    })?;
    review::read(&Arc::new(Source { path: path.to_owned(), text }))
}

/// Every check of the profile on every host of the plan. With the profile of the scan these are the plan's own pairs;
/// with another one, what the scan did not look at comes out as not tested.
fn wanted(
    book: &Book,
    profile: &Profile,
    inventory: &Inventory,
    vocabulary: &Vocabulary,
) -> Vec<Wanted> {
    let asked = plan::asked(profile, vocabulary);
    let mut hosts = Vec::new();
    for pair in &book.opened().plan.wanted {
        if hosts.last() != Some(&&pair.host) && !hosts.contains(&&pair.host) {
            hosts.push(&pair.host);
        }
    }
    let known = |id: &HostId| inventory.hosts.iter().find(|host| host.id == *id);
    let of_host = |host: &'_ Host| {
        let checks = asked.iter().filter(|asked| asked.is_for(host));
        let pair = |asked: &Asked| Wanted { host: host.id.clone(), check: asked.check.clone() };
        checks.map(pair).collect::<Vec<_>>()
    };
    hosts.into_iter().filter_map(known).flat_map(of_host).collect()
}

/// A part of the book's head, which earlier versions may have written otherwise.
fn part<T: serde::de::DeserializeOwned>(
    what: &str,
    value: &serde_json::Value,
) -> Result<T, Complaint> {
    serde_json::from_value(value.clone()).map_err(|wrong| {
        Complaint::nowhere(format!("the {what} in the book cannot be read: {wrong}"))
            .help("judge it with the version of postern that wrote it")
    })
}

/// The waivers of the book: those of one file, or a list.
fn of_book(value: &serde_json::Value) -> Result<Vec<Waiver>, Complaint> {
    match value {
        serde_json::Value::Null => Ok(Vec::new()),
        serde_json::Value::Array(_) => part("list of waivers", value),
        _ => part::<Waivers>("waivers file", value).map(|file| file.waivers),
    }
}

pub(crate) fn authorities(pems: &[String]) -> Result<Vec<Vec<u8>>, Complaint> {
    let all = pems.iter().flat_map(|pem| CertificateDer::pem_slice_iter(pem.as_bytes()));
    all.map(|one| one.map(|der| der.to_vec()))
        .collect::<Result<_, _>>()
        .map_err(|wrong| Complaint::nowhere(format!("an authority in the book is no PEM: {wrong}")))
}

fn line(leave: &Authorisation) -> AuthorisationLine {
    let entitled = leave.entitled.iter().map(|one| {
        let title = one.title.as_ref().map(|title| format!(", {title}")).unwrap_or_default();
        format!("{}: {}{title}, {}", one.party, one.name, one.signed_on.date())
    });
    let class = serde_json::to_value(leave.class).unwrap_or_default();
    AuthorisationLine {
        id: leave.id.clone(),
        entitled: entitled.collect(),
        windows: leave.windows.iter().map(|window| (window.from, window.to)).collect(),
        covers: leave.covers(),
        excludes: leave.exclude.clone(),
        class: class.as_str().unwrap_or_default().to_owned(),
        ad_hoc: leave.is_ad_hoc(),
    }
}

fn ours(wrong: &crate::judge::Unaccounted) -> Complaint {
    Complaint::nowhere(format!("no review is made, for this is an error of our own: {wrong}"))
        .help("please report it, with the versions of postern that scanned and judged")
}
