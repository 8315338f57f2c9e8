//! The files that `postern init` writes, with the comments that teach.

use std::fmt::Write as _;

use super::Init;
use super::asked::{Host, slug};
use crate::model::moment::Moment;
use crate::scope::authorisation::NOT_YET_SIGNED;

impl Init {
    /// The inventory file.
    pub(super) fn inventory(&self) -> String {
        let operator = self.operator.as_deref().unwrap_or("The name of your centre");
        let provider = self.provider.as_deref();
        let mut text = format!(
            "# yaml-language-server: $schema=schemas/inventory.v1.json
# What you declare: who answers for what, and what each host is meant to expose, to whom and why.
# Whatever answers and is not declared here is a finding.
schema: postern/inventory/v1

operator:
  id: {id}                  # a short name, for ever
  name:
    en: {name}
    # zh-Hant: the name in Chinese, for the Chinese report
  # contact: it@example.org
",
            id = id_of(operator, "operator"),
            name = quoted(operator),
        );
        if let Some(provider) = provider {
            let _ = write!(
                text,
                "
providers:
  - id: {id}
    name: {{en: {name}}}
    # contact: security@example.org
    # contract: \"C-2026-01, audit right in clause 12.3\"

systems:
  - id: main                # a short name for what the hosts do together: booking
    purpose: {{en: what it is for}}
    provider: {id}
    personal_data: false    # true where it holds members' personal data
",
                id = id_of(provider, "provider"),
                name = quoted(provider),
            );
        }
        text.push_str(
            "
# Parts of the network with a name, for `from:` below. `internet` is always known.
# zones:
#   - {id: clinic-lan, networks: [198.51.100.0/28]}

# Networks in which hosts are looked for that stand in no list; the authorisation must allow it.
# search: [192.0.2.0/28]

# Where scans are made from, and the addresses that the vendor will see.
vantages:
  - {id: outside, kind: internet}

hosts:
",
        );
        for host in &self.hosts() {
            host_entry(&mut text, host, provider.is_some());
        }
        text
    }

    /// The authorisation file, with a window in the coming night.
    pub(super) fn authorisation(&self, now: Moment) -> String {
        let evening = now.plus_days(1).date();
        let morning = now.plus_days(2).date();
        let hosts: Vec<String> = self.hosts().into_iter().map(|host| host.id).collect();
        let signed = quoted(self.signed_by.as_deref().unwrap_or(NOT_YET_SIGNED));
        let today = now.date();
        format!(
            "# yaml-language-server: $schema=schemas/authorisation.v1.json
# The leave to scan. Nothing is sent outside of it: not to other addresses, not at other times, not faster.
# As long as a name below is \"{NOT_YET_SIGNED}\" it gives no leave.
schema: postern/authorisation/v1
id: auth-{today}            # every connection in the audit log carries it

scope:
  hosts: [{hosts}]
  # Hosts with names but without written addresses are reached only within networks listed here: otherwise whoever
  # runs their DNS could choose what is scanned.
  # networks: [192.0.2.0/28]
  # Networks in which every address may be asked for its ports, to find hosts that stand in no list.
  # search: [192.0.2.0/28]

# Never touched, whatever else allows it: addresses, networks, or ids of hosts.
# exclude: [192.0.2.14]

windows:                    # from is included, to is not; +08:00 is Hong Kong
  - {{from: {evening}T22:00:00+08:00, to: {morning}T05:00:00+08:00}}

limits:                     # packets that ask for something; a profile can only go slower
  per_second: 400           # in any second, to all hosts together
  per_host_per_second: 80   # to one host: all its ports in a quarter of an hour; 20 for a weak one
  per_host_parallel: 4      # conversations at the same time
  per_host_talks_per_second: 10   # conversations begun

class: read-only            # connect, passive, read-only or intrusive: the strongest that may be sent

# sources: [203.0.113.7]    # the addresses that the vendor will see

entitled:                   # everybody who is entitled to control access, and agreed
  - {{party: operator, name: {signed}, title: Centre manager, signed_on: {today}}}
  # - {{party: provider, name: A. Chan, title: CTO, signed_on: {today}}}
  # - {{party: hosting, name: C. Lee, signed_on: {today}}}

# emergency: {{name: A. Chan, phone: \"+852 0000 0000\"}}
# notice: {{to: [provider], sent_on: {today}}}
",
            hosts = hosts.join(", "),
        )
    }

    /// The hosts given, or one to be replaced.
    fn hosts(&self) -> Vec<Host> {
        if !self.host.is_empty() {
            return self.host.clone();
        }
        // An address for documentation (RFC 5737): nothing answers there.
        let addresses = vec![std::net::IpAddr::from([192, 0, 2, 10])];
        vec![Host { id: "web1".into(), addresses, names: vec!["booking.example.org".into()] }]
    }
}

fn host_entry(text: &mut String, host: &Host, has_system: bool) {
    let _ = writeln!(text, "  - id: {}", host.id);
    if has_system {
        text.push_str("    system: main\n");
    }
    if !host.names.is_empty() {
        let names: Vec<String> = host.names.iter().map(|name| quoted(name)).collect();
        let _ = writeln!(text, "    names: [{}]", names.join(", "));
    }
    if !host.addresses.is_empty() {
        let addresses: Vec<String> =
            host.addresses.iter().map(|address| format!("\"{address}\"")).collect();
        let _ = writeln!(text, "    addresses: [{}]", addresses.join(", "));
    }
    text.push_str(
        "    # fragile: true       # gets TCP connects and nothing else, from every probe
    exposure: []            # nothing is meant to answer; or, for instance:
    #  - port: 443/tcp
    #    from: [internet]
    #    service: https
    #    need: {en: members book their visits}
    #    approved_by: Centre manager
    #    review_by: 2027-06-30
",
    );
}

fn id_of(name: &str, otherwise: &str) -> String {
    Some(slug(name)).filter(|id| !id.is_empty()).unwrap_or_else(|| otherwise.to_owned())
}

/// A text in double quotes, which YAML reads as JSON does.
fn quoted(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}
