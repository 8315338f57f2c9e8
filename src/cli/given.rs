//! What a scan is given: the options that `plan` and `scan` share, and how they outlive a killed program in its book.

use std::net::IpAddr;
use std::path::PathBuf;
use std::str::FromStr;

use clap::Args;

use super::library::{Folders, Packs, PluginsFile};
use super::remembered::remembered;
use crate::model::plan::Limits;

/// What is scanned, by whose leave, for which checks, and how.
#[derive(Clone, Debug, Default, Args)]
pub(crate) struct Given {
    /// Hosts to scan where there is no inventory: names or addresses. What answers on them is undeclared.
    #[arg(value_name = "HOST", conflicts_with = "inventory")]
    pub(crate) hosts: Vec<String>,
    /// The inventory: the hosts, and what each is meant to expose.
    #[arg(
        short,
        long,
        value_name = "FILE",
        env = "POSTERN_INVENTORY",
        help_heading = "What, and by whose leave"
    )]
    pub(crate) inventory: Option<PathBuf>,
    /// Of the hosts of the inventory this one only.
    #[arg(skip)]
    pub(crate) only: Option<String>,
    /// An authorisation; may be given more than once. Addresses of this machine (127.0.0.0/8, ::1) need none.
    #[arg(
        short,
        long,
        value_name = "FILE",
        env = "POSTERN_AUTHORISATION",
        value_delimiter = ',',
        help_heading = "What, and by whose leave"
    )]
    pub(crate) authorisation: Vec<PathBuf>,
    /// Instead of a file: who gave leave, and how. Good for the hosts typed, for a day, for harmless questions; it
    /// stands in the book and the report.
    #[arg(
        long,
        value_name = "TEXT",
        requires = "hosts",
        conflicts_with = "authorisation",
        env = "POSTERN_AUTHORISED_BY",
        help_heading = "What, and by whose leave"
    )]
    pub(crate) authorised_by: Option<String>,
    /// Findings that somebody accepts until a date.
    #[arg(
        short,
        long,
        value_name = "FILE",
        env = "POSTERN_WAIVERS",
        help_heading = "What, and by whose leave"
    )]
    pub(crate) waivers: Option<PathBuf>,
    /// Which checks, how strict, and what stops the gate [default: baseline].
    #[arg(short, long, value_name = "NAME", env = "POSTERN_PROFILE", help_heading = "Checks")]
    pub(crate) profile: Option<String>,
    /// A folder of check files that add to the built-in ones, or replace those of the same name.
    #[arg(long, value_name = "DIR", env = "POSTERN_CHECKS", help_heading = "Checks")]
    pub(crate) checks: Option<PathBuf>,
    /// A folder of profile files that add to the built-in ones, or replace those of the same name.
    #[arg(long, value_name = "DIR", env = "POSTERN_PROFILES", help_heading = "Checks")]
    pub(crate) profiles: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) packs: Packs,
    #[command(flatten)]
    pub(crate) plugins: PluginsFile,
    /// From where the scan is made: a vantage of the inventory.
    #[arg(long, value_name = "NAME", env = "POSTERN_VANTAGE", help_heading = "How")]
    pub(crate) vantage: Option<String>,
    /// How fast: polite, normal, fast or N/s; never faster than the authorisation allows [default: the profile's].
    #[arg(long, value_name = "PACE", env = "POSTERN_PACE", help_heading = "How")]
    pub(crate) pace: Option<Pace>,
    /// Instead of what the pace means.
    #[arg(skip)]
    pub(crate) limits: Option<Limits>,
    /// A resolver to ask instead of this machine's; may be given more than once.
    #[arg(
        long,
        value_name = "IP",
        env = "POSTERN_RESOLVER",
        value_delimiter = ',',
        help_heading = "How"
    )]
    pub(crate) resolver: Vec<IpAddr>,
    /// How requests name us, so that the vendor recognises them.
    #[arg(long, value_name = "TEXT", env = "POSTERN_USER_AGENT", help_heading = "How")]
    pub(crate) user_agent: Option<String>,
    /// How we name ourselves to mail servers [default: postern.invalid].
    #[arg(long, value_name = "NAME", env = "POSTERN_EHLO_NAME", help_heading = "How")]
    pub(crate) ehlo_name: Option<String>,
}

/// By whose leave something is asked that is typed, from where, and how fast.
#[derive(Clone, Debug, Default, Args)]
pub(crate) struct Leave {
    /// The inventory that has the host: what it is meant to expose then counts.
    #[arg(
        short,
        long,
        value_name = "FILE",
        env = "POSTERN_INVENTORY",
        help_heading = "What, and by whose leave"
    )]
    pub(crate) inventory: Option<PathBuf>,
    /// An authorisation; may be given more than once. Addresses of this machine (127.0.0.0/8, ::1) need none.
    #[arg(
        short,
        long,
        value_name = "FILE",
        env = "POSTERN_AUTHORISATION",
        value_delimiter = ',',
        help_heading = "What, and by whose leave"
    )]
    authorisation: Vec<PathBuf>,
    /// Instead of a file: who gave leave, and how. Good for a day, for harmless questions.
    #[arg(
        long,
        value_name = "TEXT",
        conflicts_with_all = ["authorisation", "inventory"],
        env = "POSTERN_AUTHORISED_BY",
        help_heading = "What, and by whose leave"
    )]
    authorised_by: Option<String>,
    /// From where this is: a vantage of the inventory.
    #[arg(long, value_name = "NAME", env = "POSTERN_VANTAGE", help_heading = "How")]
    vantage: Option<String>,
    /// How fast: polite, normal, fast or N/s; never faster than the authorisation allows.
    #[arg(long, value_name = "PACE", env = "POSTERN_PACE", help_heading = "How")]
    pub(crate) pace: Option<Pace>,
}

impl Leave {
    /// What a scan is given of it: those hosts as they were typed, or with an inventory the first of them, by its id.
    pub(crate) fn given(&self, hosts: &[String]) -> Given {
        let typed = self.inventory.is_none();
        Given {
            hosts: if typed { hosts.to_vec() } else { Vec::new() },
            inventory: self.inventory.clone(),
            only: hosts.first().filter(|_| !typed).cloned(),
            authorisation: self.authorisation.clone(),
            authorised_by: self.authorised_by.clone(),
            vantage: self.vantage.clone(),
            pace: self.pace,
            ..Given::default()
        }
    }
}

remembered! {
    Given {
        hosts: texts,
        inventory: path,
        authorisation: paths,
        authorised_by: text,
        waivers: path,
        profile: text,
        checks: path,
        profiles: path,
        vantage: text,
        pace: text,
        resolver: texts,
        user_agent: text,
        ehlo_name: text,
    }
}

remembered! {
    Packs {
        pack: paths,
        trust_key: texts,
        require_signed: flag,
    }
}

remembered! {
    PluginsFile {
        plugins: path,
    }
}

impl Given {
    /// Where its checks and profiles come from.
    pub(crate) fn folders(&self) -> Folders {
        Folders {
            checks: self.checks.clone(),
            profiles: self.profiles.clone(),
            packs: self.packs.clone(),
            plugins: self.plugins.clone(),
        }
    }
}

/// A pace, as it is typed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Pace {
    /// For what may be weak: 20 packets a second to one host.
    Polite,
    /// For ordinary servers: 80.
    Normal,
    /// For what is known to bear it: 500.
    Fast,
    /// That many a second.
    PerSecond(u32),
}

impl Pace {
    /// The caps that it means.
    pub(crate) fn limits(self) -> Limits {
        match self {
            Self::Polite => Limits::POLITE,
            Self::Normal => Limits::NORMAL,
            Self::Fast => Limits::FAST,
            Self::PerSecond(n) => Limits::even(n),
        }
    }
}

impl std::fmt::Display for Pace {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Polite => f.write_str("polite"),
            Self::Normal => f.write_str("normal"),
            Self::Fast => f.write_str("fast"),
            Self::PerSecond(n) => write!(f, "{n}/s"),
        }
    }
}

impl FromStr for Pace {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let number = |text: &str| text.strip_suffix("/s")?.trim().parse().ok().filter(|n| *n > 0);
        match text {
            "polite" => Ok(Self::Polite),
            "normal" => Ok(Self::Normal),
            "fast" => Ok(Self::Fast),
            _ => number(text).map(Self::PerSecond).ok_or_else(|| {
                format!("`{text}` is no pace; write polite, normal, fast, or a number such as 20/s")
            }),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_given_comes_back_from_a_book() {
        let given = Given {
            inventory: Some("/tmp/inventory.yaml".into()),
            authorisation: vec!["/tmp/a.yaml".into(), "/tmp/b, c.yaml".into()],
            pace: Some(Pace::PerSecond(20)),
            resolver: vec!["192.0.2.53".parse().expect("an address")],
            ..Given::default()
        };
        let words = given.words();
        assert_eq!(
            words.keys().collect::<Vec<_>>(),
            ["authorisation", "inventory", "pace", "resolver"]
        );
        let back = Given::default().or(&words).expect("our own words");
        assert_eq!(back.words(), words);
        let other = Given { pace: Some(Pace::Polite), ..Given::default() };
        assert_eq!(other.or(&words).expect("our own words").pace, Some(Pace::Polite));
    }

    #[test]
    fn paces() {
        assert_eq!("20/s".parse(), Ok(Pace::PerSecond(20)));
        assert_eq!("fast".parse(), Ok(Pace::Fast));
        assert!("0/s".parse::<Pace>().is_err());
        assert!("quick".parse::<Pace>().is_err());
    }
}
