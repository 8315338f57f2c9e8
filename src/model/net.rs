//! Names for places on a network: transports, port ranges, hosts.

use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What carries a service.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "lowercase")]
pub enum Transport {
    /// RFC 9293
    Tcp,
    /// RFC 768
    Udp,
}

impl fmt::Display for Transport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Tcp => "tcp",
            Self::Udp => "udp",
        })
    }
}

/// What an inventory calls a host: its `id`, for ever, whatever its address.
#[derive(
    Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema,
)]
#[serde(transparent)]
pub struct HostId(pub String);

impl fmt::Display for HostId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A check's name: its path under `checks/` without the ending, such as `tls/old-version`.
#[derive(
    Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema,
)]
#[serde(transparent)]
pub struct CheckId(pub String);

impl CheckId {
    /// The part before the first slash: `tls` of `tls/old-version`.
    pub fn area(&self) -> &str {
        self.0.split('/').next().unwrap_or("")
    }
}

impl fmt::Display for CheckId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Sorts ports and writes them as ranges: `22,80-82,443`.
pub fn port_ranges(ports: &[u16]) -> String {
    let mut sorted = ports.to_vec();
    sorted.sort_unstable();
    sorted.dedup();
    let mut runs: Vec<(u16, u16)> = Vec::new();
    for port in sorted {
        match runs.last_mut() {
            Some((_, last)) if last.checked_add(1) == Some(port) => *last = port,
            _ => runs.push((port, port)),
        }
    }
    let words = runs.iter().map(|(a, b)| if a == b { a.to_string() } else { format!("{a}-{b}") });
    words.collect::<Vec<_>>().join(",")
}

/// Reads what [`port_ranges`] writes.
///
/// # Errors
/// Says which part is no port or no rising range.
pub fn parse_port_ranges(text: &str) -> Result<Vec<u16>, String> {
    let port = |word: &str| {
        word.trim().parse::<u16>().map_err(|_| format!("`{word}` is not a port (0 to 65535)"))
    };
    let mut ports = Vec::new();
    for part in text.split(',').filter(|part| !part.trim().is_empty()) {
        match part.split_once('-') {
            None => ports.push(port(part)?),
            Some((a, b)) => {
                let (a, b) = (port(a)?, port(b)?);
                if a > b {
                    return Err(format!("`{part}` goes down; write it as {b}-{a}"));
                }
                ports.extend(a..=b);
            }
        }
    }
    Ok(ports)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_come_back() {
        assert_eq!(port_ranges(&[443, 80, 81, 82, 22, 80]), "22,80-82,443");
        assert_eq!(parse_port_ranges("22,80-82,443"), Ok(vec![22, 80, 81, 82, 443]));
        assert_eq!(port_ranges(&(0..=u16::MAX).collect::<Vec<_>>()), "0-65535");
        assert!(parse_port_ranges("9-1").is_err());
        assert!(parse_port_ranges("65536").is_err());
    }
}
