//! The comparison with the last review in words: how the two were made, and what became of what is gone.

use super::words::{Words, number};
use crate::model::net::HostId;
use crate::review::{Became, Differs, GoneLine};

impl Words {
    /// In what the last review was made otherwise, as a sentence.
    pub(super) fn differs(&self, differs: &Differs) -> String {
        let hosts = |hosts: &[HostId]| self.list(hosts.iter().map(|host| host.0.as_str()));
        match differs {
            Differs::Profile { then, now } if then == now => {
                self.say("changes.differs.settings", &[("profile", now)])
            }
            Differs::Profile { then, now } => {
                self.say("changes.differs.profile", &[("then", then), ("now", now)])
            }
            Differs::Checks => self.plain("changes.differs.checks").to_owned(),
            Differs::Vantage { then, now } if then == now => {
                self.say("changes.differs.vantage-kind", &[("vantage", now)])
            }
            Differs::Vantage { then, now } => {
                self.say("changes.differs.vantage", &[("then", then), ("now", now)])
            }
            Differs::Ports { then, now } => {
                let count = |ports: &str| number(how_many(ports));
                let fills = [("then", &*count(then)), ("now", &*count(now))];
                self.say("changes.differs.ports", &fills)
            }
            Differs::Hosts { added, left_out } => {
                let said =
                    [("changes.differs.added", added), ("changes.differs.left-out", left_out)];
                let said = said.into_iter().filter(|(_, those)| !those.is_empty());
                let said: Vec<_> =
                    said.map(|(key, those)| self.say(key, &[("hosts", &hosts(those))])).collect();
                said.join(self.plain("format.reasons"))
            }
            Differs::Fragile { hosts: those } => {
                self.say("changes.differs.fragile", &[("hosts", &hosts(those))])
            }
        }
    }

    /// What became of a finding that is not in this review, and when it was last seen.
    pub(super) fn became(&self, line: &GoneLine) -> String {
        let key = match line.became {
            Became::Passes => return self.plain("changes.became.passes").to_owned(),
            Became::Shut => return self.plain("changes.became.shut").to_owned(),
            Became::OtherVantage => "changes.became.other-vantage",
            Became::HostLeftOut => "changes.became.host-left-out",
            Became::CheckLeftOut => "changes.became.check-left-out",
            Became::CheckChanged => "changes.became.check-changed",
            Became::AddressNotExamined => "changes.became.address-not-examined",
            Became::NotSettled => "changes.became.not-settled",
            Became::DoesNotApply => "changes.became.does-not-apply",
            Became::FailsOtherwise => "changes.became.fails-otherwise",
            Became::PortNotAsked => "changes.became.port-not-asked",
            Became::NotFound => "changes.became.not-found",
        };
        let (seen, due) = (self.date(line.last_seen), self.date(line.due));
        self.say(
            "changes.became.carried",
            &[("why", self.plain(key)), ("seen", &seen), ("due", &due)],
        )
    }
}

/// How many ports some ranges hold.
fn how_many(ports: &str) -> u64 {
    crate::model::net::parse_port_ranges(ports).map_or(0, |ports| ports.len() as u64)
}
