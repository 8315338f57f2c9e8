//! The review: findings, compared with the last review, weighed and dated. `review.json` is its written form and the
//! contract from which every report renders again.

mod again;
mod changes;
mod controls;
mod evidence;
mod exposure;
mod findings;
mod gate;
mod make;
#[cfg(test)]
mod properties;
mod read;
mod results;
#[doc(hidden)]
pub mod sample;
mod sample_controls;
mod saw_lines;
mod scan;
pub mod scoring;
mod services;
mod sight;
mod trend;
mod waivers;

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

pub use controls::{Bearing, FrameworkLine, Met, RequirementLine};
pub use make::{ReviewError, ReviewInput, review};
pub use read::read;
pub(crate) use scan::without_a_sign;
pub use trend::{Became, Changes, Differs, GoneLine, MendedLine};

use ipnet::IpNet;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::inventory::VantageKind;
use crate::inventory::waivers::Treatment;
use crate::model::moment::Moment;
use crate::model::net::{CheckId, HostId};
use crate::model::outcome::Outcome;
use crate::model::reason::Reason;
use crate::model::said::Said;
use crate::model::severity::{Degree, Severity};
use crate::model::subject::Subject;
use crate::profile::Loosened;
use crate::yaml::NetworkText;

/// The version of the review's form.
pub const REVIEW_SCHEMA: &str = "postern/review/v1";

/// A review of what a provider exposes.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Review {
    /// [`REVIEW_SCHEMA`].
    pub schema: String,
    /// When it was made: the only clock in it besides the scan's own.
    pub made: Moment,
    /// What made it.
    pub tool: Tool,
    /// The scan that it rests on.
    pub scan: Scan,
    /// For whom.
    pub operator: Party,
    /// About whom.
    pub providers: Vec<Party>,
    /// The systems reviewed.
    pub systems: Vec<SystemLine>,
    /// The hosts reviewed, in the inventory's order.
    pub hosts: Vec<HostLine>,
    /// The answer.
    pub decision: Decision,
    /// The letter, with its reason.
    pub grade: Grade,
    /// A sum of level weights for the trend of one operator; never to be compared across operators.
    pub burden: u64,
    /// The rules by which verdict, grade, burden and dates were made.
    pub scoring: Scoring,
    /// How much of what was planned was settled.
    pub coverage: Coverage,
    /// What is wrong, gravest first.
    pub findings: Vec<Finding>,
    /// The checks that were in use, in the profile's order; `tests` refer to them by id.
    pub checks: Vec<CheckLine>,
    /// Every check that was planned, with what it came to, host by host.
    pub tests: Vec<Test>,
    /// Declared against observed.
    pub exposure: Vec<ExposureRow>,
    /// What changed since the last review, when there was one to compare with.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub changes: Option<Changes>,
    /// Waivers and what became of each.
    pub waivers: Vec<WaiverLine>,
    /// What the profile in use loosens, with its reasons.
    pub loosened: Vec<Loosened>,
    /// Addresses that the scope refused, with the rule.
    pub refused: Vec<RefusedLine>,
    /// By whose leave.
    pub authorisations: Vec<AuthorisationLine>,
    /// What the results say to the requirements of frameworks.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub controls: Vec<FrameworkLine>,
}

/// What made the review.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Tool {
    /// Version of the program.
    pub version: String,
    /// The profile's name.
    pub profile: String,
    /// SHA-256 of the profile as resolved.
    pub profile_digest: String,
    /// SHA-256 of all check files in use.
    pub catalogue_digest: String,
    /// Where checks and profiles come from, in the order in which they were laid over each other.
    #[serde(default)]
    pub packs: Vec<PackLine>,
    /// The programs of the operator's own that the scan was to start, besides what Postern asks by itself.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub plugins: Vec<PluginLine>,
}

/// A plug-in: a program that asked in the scan.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct PluginLine {
    /// Its name: that of the probe and of its kind of fact.
    pub name: String,
    /// Where it lay.
    pub program: String,
    /// SHA-256 of its bytes.
    pub sha256: String,
}

/// A source of checks and profiles, and who vouches for it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct PackLine {
    /// Its name: of the program, of a pack, or of a folder.
    pub name: String,
    /// Its version; empty for a folder, which has none.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub version: String,
    /// SHA-256: of a pack's lock, otherwise of all its files with their ids.
    pub digest: String,
    /// What vouches for it: `built-in`, `signed`, `signed-by-stranger`, `locked`, `unlocked` or `local`.
    pub seal: String,
    /// The key that signed it, as the operator named it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub signer: Option<String>,
    /// What the signer wrote into the signature.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub comment: Option<String>,
}

/// The scan that a review rests on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Scan {
    /// When it began.
    pub began: Moment,
    /// When it ended.
    pub ended: Moment,
    /// From where: the vantage's id.
    pub vantage: String,
    /// What that vantage sees.
    pub vantage_kind: VantageKind,
    /// The addresses that our packets carried, as far as declared.
    pub sources: Vec<IpAddr>,
    /// How we made ourselves known: User-Agent, EHLO name.
    pub identity: BTreeMap<String, String>,
    /// Whether every step came to its end.
    pub complete: bool,
    /// Why not, if not.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub incomplete_because: Vec<Reason>,
    /// Steps that errors of our own ended: what they were to ask is not tested, and the whole is not to be trusted.
    #[serde(default)]
    pub own_errors: u64,
    /// TCP connections that were begun, from the audit log.
    pub connections: u64,
    /// UDP datagrams and ICMP echo requests that were sent, from the audit log.
    pub datagrams: u64,
    /// Resolvers that were asked.
    pub resolvers: Vec<IpAddr>,
    /// The digest at the end of the book's chain: whoever holds the book can check that this review rests on it.
    pub book_digest: String,
    /// The pace promised: new connections and datagrams a second, in all and for one host.
    pub pace: (u32, u32),
    /// The TCP ports that were asked of every host, as ranges, besides the declared ones.
    pub ports: String,
    /// How the ports of each address were examined.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub sweeps: Vec<SweepLine>,
    /// The networks that were searched for hosts that nobody listed.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(with = "Vec<NetworkText>")]
    pub searched: Vec<IpNet>,
    /// Their addresses that gave no sign on the ports that are most often open: nobody may be there, or somebody who keeps
    /// silent.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub no_sign: Vec<IpAddr>,
    /// Whether each of them was asked by ICMP echo requests too, and did not reply.
    #[serde(default)]
    pub no_echo: bool,
}

impl Scan {
    /// What stood in the way of examining ports, each with the hosts where it did.
    pub fn troubles(&self) -> BTreeMap<&Reason, BTreeSet<&HostId>> {
        let mut troubles: BTreeMap<_, BTreeSet<_>> = BTreeMap::new();
        for sweep in &self.sweeps {
            for warning in &sweep.warnings {
                troubles.entry(warning).or_default().insert(&sweep.host);
            }
        }
        troubles
    }
}

/// How the ports of an address were examined.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SweepLine {
    /// The host.
    pub host: HostId,
    /// The address.
    pub address: IpAddr,
    /// How packets were sent: `connect`, `syn` or `udp`.
    pub by: String,
    /// How many.
    pub sent: u64,
    /// How often the port that was asked most was asked.
    pub tries: u8,
    /// The chance, at most, that a silent port is open all the same, as one in so many; none where no port was silent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub missed_one_in: Option<u64>,
    /// What stood in the way.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub warnings: Vec<Reason>,
}

/// An organisation.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Party {
    /// Its id in the inventory.
    pub id: String,
    /// Its name.
    pub name: Said,
    /// Whom to write to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub contact: Option<String>,
}

/// A system under review.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SystemLine {
    /// Its id in the inventory.
    pub id: String,
    /// What it is for.
    pub purpose: Said,
    /// The provider's id.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub provider: Option<String>,
    /// Whether it holds members' personal data.
    pub personal_data: bool,
}

/// A host under review.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct HostLine {
    /// Its id in the inventory.
    pub id: HostId,
    /// The system's id.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub system: Option<String>,
    /// Its names.
    pub names: Vec<String>,
    /// The addresses that were examined.
    pub addresses: Vec<IpAddr>,
    /// Whether it got connects only.
    pub fragile: bool,
    /// Where the inventory declares it.
    pub declared_at: DeclaredAt,
}

/// A line of the inventory.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct DeclaredAt {
    /// The file, as it was given on the command line, with forward slashes.
    pub path: String,
    /// The line, from 1.
    pub line: u32,
}

/// The rules by which verdict, grade, burden and dates were made: the model in [`scoring`], and what the profile sets.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Scoring {
    /// [`scoring::MODEL`].
    pub model: String,
    /// The letter that one open finding of a level caps at.
    pub caps: BTreeMap<Severity, Letter>,
    /// What an open finding of a level weighs in the burden.
    pub weights: BTreeMap<Severity, u64>,
    /// Days until a finding of a level is due.
    pub due_days: BTreeMap<Severity, u32>,
    /// The least share of results that must be settled, in per cent.
    pub coverage_percent: u8,
    /// Above this share of inconclusive results, in per cent, the grade is capped at B.
    pub inconclusive_percent: u8,
    /// Above this many open medium findings the grade is capped at C.
    pub many_medium: u64,
}

/// The answer to "is it safe to go on?".
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Decision {
    /// The answer.
    pub verdict: GateVerdict,
    /// What it rests on.
    pub because: Vec<Because>,
    /// Gate checks that apply on no host because of where the scan was made from: what they ask, nobody asked.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub out_of_sight: Vec<CheckId>,
}

/// The gate's verdict.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum GateVerdict {
    /// Nothing stands against it.
    Go,
    /// Nothing stops it, but something is to be done by a date.
    GoWithConditions,
    /// A finding of a gate check is open.
    NoGo,
    /// Too little was settled to say.
    NotEnoughEvidence,
}

/// A reason for a verdict.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", tag = "reason")]
pub enum Because {
    /// This finding is open and its check is a gate.
    GateFinding {
        /// Its fingerprint.
        finding: String,
    },
    /// A gate check was not settled on a host.
    GateNotSettled {
        /// The check.
        check: CheckId,
        /// The host.
        host: HostId,
    },
    /// A gate check applies on no host because of where the scan was made from.
    GateOutOfSight {
        /// The check.
        check: CheckId,
    },
    /// No test at all came to pass or fail.
    NothingSettled,
    /// Fewer of the planned tests were settled than the profile asks for, in per cent.
    Coverage {
        /// Settled.
        settled: u8,
        /// Asked for.
        wanted: u8,
    },
    /// The scan did not come to its end.
    Incomplete,
    /// So many findings are open.
    OpenFindings {
        /// How many.
        count: u64,
    },
}

/// The letter from A to F: start at A, each open finding caps it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Grade {
    /// A, B, C, D or F.
    pub letter: Letter,
    /// Whether a waiver is in force, which holds the grade up: printed as `A*`.
    pub accepted_risk: bool,
    /// What capped it: `Grade D because of this`. None at an A.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub because: Option<Cap>,
    /// How many further caps hold it at the same letter: `… and 2 more`.
    #[serde(default)]
    pub more: u64,
    /// What it would be without all of those: the counterfactual.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub without: Option<Letter>,
}

/// A grade's letter, best first.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
#[allow(missing_docs, reason = "a letter says what it is")]
pub enum Letter {
    A,
    B,
    C,
    D,
    F,
}

/// What capped a grade.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", tag = "cap")]
pub enum Cap {
    /// A finding is open, or (where it is `waived_by` somebody) accepted, which caps one step softer.
    Finding {
        /// Its fingerprint.
        finding: String,
    },
    /// More medium findings are open than the profile bears.
    ManyMedium {
        /// How many.
        count: u64,
    },
    /// A medium finding is past its date.
    Overdue {
        /// Its fingerprint.
        finding: String,
    },
    /// More than the borne share of the results that did not fail is inconclusive.
    Inconclusive {
        /// Per cent, rounded up.
        percent: u8,
    },
    /// Less than the wanted share of the results that did not fail was settled.
    Unsettled {
        /// Per cent that is inconclusive or not tested, rounded up.
        percent: u8,
    },
}

/// How much of what was planned was settled.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Coverage {
    /// Host × check pairs planned.
    pub planned: u64,
    /// Results (a pair may have several: one for each service).
    pub results: u64,
    /// Of the results: pass.
    pub pass: u64,
    /// Fail.
    pub fail: u64,
    /// Inconclusive.
    pub inconclusive: u64,
    /// Not applicable.
    pub not_applicable: u64,
    /// Not tested.
    pub not_tested: u64,
    /// (pass + fail) of (pass + fail + inconclusive + not tested), in per cent, rounded down; 0 when all is zero.
    pub settled_percent: u8,
}

impl Coverage {
    /// Counts some results.
    pub(crate) fn add(&mut self, outcome: Outcome, count: u64) {
        self.results += count;
        *match outcome {
            Outcome::Pass => &mut self.pass,
            Outcome::Fail => &mut self.fail,
            Outcome::Inconclusive => &mut self.inconclusive,
            Outcome::NotApplicable => &mut self.not_applicable,
            Outcome::NotTested => &mut self.not_tested,
        } += count;
    }

    /// Works out the share once everything is counted.
    pub(crate) fn settle(&mut self) {
        let settled = self.pass + self.fail;
        let all = settled + self.inconclusive + self.not_tested;
        let percent = settled.saturating_mul(100).checked_div(all).unwrap_or(0);
        self.settled_percent = u8::try_from(percent).unwrap_or(100);
    }
}

/// Something wrong, by check and host, service and name.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Finding {
    /// Its stable identity (`pf1-…`).
    pub fingerprint: String,
    /// A number for talking about it within this review: `F-001`, gravest first.
    pub number: String,
    /// The check.
    pub check: CheckId,
    /// The check's revision.
    pub revision: u32,
    /// The wanted state, as a sentence.
    pub title: Said,
    /// Its level.
    pub severity: Severity,
    /// One side of its risk.
    pub impact: Degree,
    /// The other.
    pub likelihood: Degree,
    /// Whether it stops the gate.
    pub gate: bool,
    /// Where and how it shows; several when a host has several addresses.
    pub places: Vec<Place>,
    /// Why it matters, in words for a centre manager.
    pub why: Said,
    /// What to do.
    pub fix: Vec<Fix>,
    /// Sources.
    pub refs: Vec<String>,
    /// When it was first seen: by the earliest review that has it, since it was last mended.
    pub first_seen: Moment,
    /// By when it is to be mended.
    pub due: Moment,
    /// Its state against the last review.
    pub state: FindingState,
    /// The id of the waiver that accepts it, in force at the time of the review.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub waived_by: Option<String>,
}

/// Where a finding shows.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Place {
    /// The subject.
    pub subject: Subject,
    /// What is wrong there, as a sentence; hostile text in it is already made visible, not yet escaped.
    pub message: Said,
    /// The elements that broke the expectation.
    pub witness: Vec<String>,
    /// What it rests on.
    pub evidence: Vec<Evidence>,
}

/// A piece of evidence: what was seen, when, from where, and how to see it again.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Evidence {
    /// The row of the book.
    pub row: u64,
    /// The probe that saw it.
    pub probe: String,
    /// When.
    pub at: Moment,
    /// What was seen, in lines (`> ` we said, `< ` they said); control characters made visible, not yet escaped.
    pub lines: Vec<String>,
    /// A command that shows the same with common tools, where there is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub again: Option<String>,
}

/// A way to mend it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Fix {
    /// What to do.
    pub text: Said,
    /// For which product, if it differs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub product: Option<String>,
    /// What to type or to write into a file.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub code: Option<String>,
}

/// The state of a finding against the last review.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum FindingState {
    /// Not in the last review, or there was none.
    New,
    /// In the last review already, or carried on by it as not seen again.
    StillOpen,
    /// Waived when it was last seen, and the waiver has ended.
    WaiverEnded,
    /// An earlier review called it mended: it is new work, with a date of its own, and not for the first time.
    CameBack,
}

/// A check that was in use, with what the profile makes of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct CheckLine {
    /// Its id.
    pub id: CheckId,
    /// Its revision.
    pub revision: u32,
    /// The wanted state, as a sentence.
    pub title: Said,
    /// The level that a finding of it has.
    pub severity: Severity,
    /// Whether a finding of it stops the gate.
    pub gate: bool,
    /// Why it matters, in words for a centre manager.
    pub why: Said,
    /// What to do when it fails.
    pub fix: Vec<Fix>,
    /// Sources.
    pub refs: Vec<String>,
    /// A digest of what it asks: its revision, its conditions and the settings of the profile. Where it is the same in two
    /// reviews, the same question was put.
    pub asks: String,
}

/// What one check came to on one host.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Test {
    /// The check; its texts stand in [`Review::checks`].
    pub check: CheckId,
    /// The host.
    pub host: HostId,
    /// How many subjects of the host came to which outcome.
    pub outcomes: BTreeMap<Outcome, u32>,
    /// The worst of them, for one word: fail before inconclusive before not tested before pass before not applicable.
    pub worst: Outcome,
    /// Reasons for what is inconclusive, for what is not tested and for what does not apply, each once.
    pub reasons: BTreeMap<Outcome, Vec<Reason>>,
}

/// One service of one host, declared or observed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ExposureRow {
    /// The host.
    pub host: HostId,
    /// Transport and port: `443/tcp`.
    pub port: String,
    /// What is offered there, as declared or else as seen.
    pub service: String,
    /// Declared for whom; empty when not declared.
    pub declared_from: Vec<String>,
    /// The declared need.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub need: Option<Said>,
    /// Who approved it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub approved_by: Option<String>,
    /// What was observed at each address.
    pub observed: Vec<(IpAddr, String)>,
    /// The comparison.
    pub cell: ExposureCell,
    /// Fingerprints of findings about it.
    pub findings: Vec<String>,
}

/// Declared against observed, in a word.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "kebab-case")]
pub enum ExposureCell {
    /// Open, declared, and declared for this vantage.
    AsDeclared,
    /// Open and not declared, or not for this vantage.
    Undeclared,
    /// Declared for this vantage and closed.
    DeclaredButClosed,
    /// Declared for this vantage, and nothing came back.
    DeclaredButFiltered,
    /// Declared for somebody else, and not open from here: as it should be.
    ShutAsDeclared,
    /// Not asked, or the answer does not settle it.
    NotSettled,
}

/// A waiver and what became of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct WaiverLine {
    /// Its id.
    pub id: String,
    /// The check.
    pub check: CheckId,
    /// The host.
    pub host: HostId,
    /// What is done about the risk.
    pub treatment: Treatment,
    /// Why the risk is accepted.
    pub reason: Said,
    /// What lessens it meanwhile.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub compensating: Option<Said>,
    /// Who carries it.
    pub owner: String,
    /// Who approved it; never the owner.
    pub approved_by: String,
    /// The last day on which it holds.
    pub expires: Moment,
    /// What became of it.
    pub state: WaiverState,
    /// The findings that it covers.
    pub findings: Vec<String>,
}

/// What became of a waiver.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum WaiverState {
    /// The day on which it is decided is still to come: it covers nothing yet.
    NotYet,
    /// In force, and it covers something.
    InForce,
    /// In force, covers something, and ends within 30 days.
    EndsSoon,
    /// Past its last day: what it covered is open again.
    Ended,
    /// It covers nothing any more: it can be taken out.
    Unused,
}

/// An address that the scope refused.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RefusedLine {
    /// The host on whose behalf.
    pub host: HostId,
    /// The address.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub address: Option<IpAddr>,
    /// The rule.
    pub rule: Vec<Reason>,
}

/// By whose leave the scan was made.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct AuthorisationLine {
    /// Its id.
    pub id: String,
    /// Those entitled to give it: party, name, title, and when they signed, in words.
    pub entitled: Vec<String>,
    /// Between which times.
    pub windows: Vec<(Moment, Moment)>,
    /// What it covers, in words.
    pub covers: Vec<String>,
    /// What it leaves out, in words.
    pub excludes: Vec<String>,
    /// The strongest class of probes.
    pub class: String,
    /// Whether it was typed on the command line.
    pub ad_hoc: bool,
}
