//! The values and types of facts: what conditions are about.

use std::borrow::Cow;
use std::fmt;
use std::sync::Arc;

use super::moment::Moment;
use super::outcome::Why;

/// An ordered set of names, lowest first, such as the versions of TLS.
#[derive(Debug, PartialEq, Eq)]
pub struct Scale {
    /// What the set is called: `TlsVersion`.
    pub name: &'static str,
    /// The names, lowest (or weakest) first.
    pub names: &'static [&'static str],
}

impl Scale {
    /// The rank of a name.
    pub fn rank(&self, name: &str) -> Option<u8> {
        self.names.iter().position(|known| *known == name).and_then(|at| u8::try_from(at).ok())
    }
}

/// A name on a scale.
#[derive(Clone, Copy, Debug)]
pub struct Level {
    /// The scale it stands on.
    pub scale: &'static Scale,
    /// Its place, 0 for the lowest.
    pub rank: u8,
}

impl Level {
    /// The level of that name, if the scale has it.
    pub fn named(scale: &'static Scale, name: &str) -> Option<Self> {
        scale.rank(name).map(|rank| Self { scale, rank })
    }

    /// Its name.
    pub fn name(self) -> &'static str {
        self.scale.names.get(usize::from(self.rank)).copied().unwrap_or("?")
    }
}

impl PartialEq for Level {
    fn eq(&self, other: &Self) -> bool {
        self.rank == other.rank && self.scale.name == other.scale.name
    }
}

/// A value of a fact. `Unknown` is a value, and carries its reason: silence is not a fact.
#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    /// Not known, and why.
    Unknown(Why),
    /// True or false.
    Bool(bool),
    /// A whole number; its field says the unit.
    Int(i64),
    /// Text, possibly from a peer: compared here, escaped where it is shown.
    Text(Arc<str>),
    /// A name on an ordered scale.
    Level(Level),
    /// A point in time.
    Moment(Moment),
    /// A list, of which perhaps only a part was seen.
    List(List),
    /// Fields in the order of the record's type.
    Record(Arc<[Self]>),
}

impl Value {
    /// A text.
    pub fn text(text: impl Into<Arc<str>>) -> Self {
        Self::Text(text.into())
    }

    /// A list of which everything was seen.
    pub fn list(items: impl IntoIterator<Item = Self>) -> Self {
        Self::List(List { items: items.into_iter().collect(), unseen: None })
    }

    /// A value that is not known.
    pub fn unknown(why: impl Into<Arc<str>>) -> Self {
        Self::Unknown(Why::new(why))
    }
}

impl fmt::Display for Value {
    /// The value in words, made safe to show (control characters visible).
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unknown(why) => write!(f, "unknown ({why})"),
            Self::Bool(is) => write!(f, "{is}"),
            Self::Int(n) => write!(f, "{n}"),
            Self::Text(text) => f.write_str(&super::heard::shown(text)),
            Self::Level(level) => f.write_str(level.name()),
            Self::Moment(moment) => write!(f, "{moment}"),
            Self::List(list) => joined(f, &list.items),
            Self::Record(fields) => joined(f, fields),
        }
    }
}

fn joined(f: &mut fmt::Formatter<'_>, items: &[Value]) -> fmt::Result {
    for (at, item) in items.iter().enumerate() {
        if at > 0 {
            f.write_str(", ")?;
        }
        write!(f, "{item}")?;
    }
    Ok(())
}

/// A list of values.
#[derive(Clone, Debug, PartialEq)]
pub struct List {
    /// What was seen.
    pub items: Arc<[Value]>,
    /// Why there may be more than was seen; `None` when this is all there is. Over such a list `all` is false on a
    /// counterexample and otherwise unknown.
    pub unseen: Option<Why>,
}

/// The type of a value, known when a check file is read.
#[derive(Clone, Debug, PartialEq)]
pub enum Type {
    /// `true`, `false`
    Bool,
    /// A whole number.
    Int,
    /// Text.
    Text,
    /// A name on that scale.
    Scale(&'static Scale),
    /// A point in time.
    Moment,
    /// A list of that.
    List(Arc<Self>),
    /// Named fields.
    Record(Arc<[Field]>),
}

impl Type {
    /// A list of that type.
    pub fn list(of: Self) -> Self {
        Self::List(Arc::new(of))
    }

    /// A record of those fields.
    pub fn record(fields: impl IntoIterator<Item = Field>) -> Self {
        Self::Record(fields.into_iter().collect())
    }
}

impl fmt::Display for Type {
    /// The type as messages and pages name it: `list of text`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Bool => f.write_str("true or false"),
            Self::Int => f.write_str("number"),
            Self::Text => f.write_str("text"),
            Self::Scale(scale) => f.write_str(scale.name),
            Self::Moment => f.write_str("time"),
            Self::List(of) => write!(f, "list of {of}"),
            Self::Record(_) => f.write_str("record"),
        }
    }
}

/// A field of a record or of a fact kind.
#[derive(Clone, Debug, PartialEq)]
pub struct Field {
    /// Its name, in snake_case.
    pub name: Cow<'static, str>,
    /// Its type.
    pub of: Type,
    /// What it means, with its unit, as a sentence.
    pub means: Cow<'static, str>,
}

/// Where in the tree of subjects a kind of fact sits; each level sees the facts of those above.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Tier {
    /// One for each host.
    Host,
    /// One for each address, transport and port that is open or declared.
    Service,
    /// One for each service and server name spoken to there.
    Site,
}

/// A kind of fact: what `on:` names in a check, and what `tls.` in a condition refers to.
#[derive(Clone, Debug)]
pub struct Kind {
    /// Its name: `tls`.
    pub name: Cow<'static, str>,
    /// The probe whose observations it is made of, where no row derives it: its own name, but for a kind that a check
    /// brings along, whose request has a name of its own.
    pub probe: Cow<'static, str>,
    /// Where its subjects sit.
    pub tier: Tier,
    /// What it is about, as a sentence.
    pub means: Cow<'static, str>,
    /// Its fields, in the order of its records.
    pub fields: Arc<[Field]>,
}

impl Field {
    /// A field.
    pub fn new(
        name: impl Into<Cow<'static, str>>,
        of: Type,
        means: impl Into<Cow<'static, str>>,
    ) -> Self {
        Self { name: name.into(), of, means: means.into() }
    }
}

impl Kind {
    /// A kind that a probe of the same name yields, or a row of derivation.
    pub fn new(
        name: impl Into<Cow<'static, str>>,
        tier: Tier,
        means: impl Into<Cow<'static, str>>,
        fields: impl IntoIterator<Item = Field>,
    ) -> Self {
        let name = name.into();
        let fields = fields.into_iter().collect();
        Self { probe: name.clone(), name, tier, means: means.into(), fields }
    }

    /// Whether a check brings it along, so that no other check can speak of it: its name cannot be spelt in a condition.
    pub fn is_of_one_check(&self) -> bool {
        self.name.contains(':')
    }

    /// What conditions and pages call it.
    pub fn called(&self) -> &str {
        if self.is_of_one_check() { "probe" } else { &self.name }
    }

    /// The place of a field in the records of this kind.
    pub fn slot(&self, field: &str) -> Option<usize> {
        self.fields.iter().position(|known| known.name == field)
    }
}
