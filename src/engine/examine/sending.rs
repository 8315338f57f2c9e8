//! What leaves: connects, and packets that nobody repeats; each after its turn, its leave and its row in the audit log.

use std::io;
use std::net::SocketAddr;

use postern_sweep::Transmit;

use super::connects::{Came, For};
use super::{Run, probe};
use crate::engine::dial::{Place, announce_many, no_way};
use crate::engine::gate::passes;
use crate::engine::pace::Payers;
use crate::model::net::Transport;
use crate::model::record::Again;
use crate::talk::Unopened;

impl Run<'_> {
    /// Begins as many connects as turns have come for, of so many that are wanted; answers how many.
    pub(super) fn send_connects(
        &mut self,
        payers: &Payers,
        alike: usize,
    ) -> Result<usize, Unopened> {
        let seats = match self.gate.seats_now(payers, alike) {
            Ok(seats) => seats,
            Err(later) => {
                self.later = Some(later);
                return Ok(0);
            }
        };
        let row: Vec<Transmit> = self.wanted.drain(..seats.len()).collect();
        let places = self.announce(&row)?;
        for ((place, next), seat) in places.into_iter().zip(&row).zip(seats) {
            let probe = probe(*next);
            match self.connects.begin(place, seat, probe, purpose_of(*next)) {
                Some(Came { said: Err(why), .. }) => self.ours(*next, why)?,
                came => {
                    let now = self.now();
                    self.core.sent(*next, now);
                    self.came.extend(came);
                }
            }
        }
        Ok(row.len())
    }

    /// Sends as many SYNs or datagrams as turns have come for, of so many that are wanted; answers how many.
    pub(super) fn send_packets(
        &mut self,
        payers: &Payers,
        alike: usize,
    ) -> Result<usize, Unopened> {
        let most = u32::try_from(alike).unwrap_or(u32::MAX);
        let (turn, many) = match self.gate.turns_now(payers, most) {
            Ok(turns) => turns,
            Err(later) => {
                self.later = Some(later);
                return Ok(0);
            }
        };
        let many = usize::try_from(many).unwrap_or(0);
        let row: Vec<Transmit> = self.wanted.drain(..many.min(alike)).collect();
        let announced = self.announce(&row);
        let (sent, wrong) = match announced {
            Ok(places) => self.put_out(places, &row),
            Err(why) => {
                self.have_left(turn, 0);
                return Err(why);
            }
        };
        self.have_left(turn, sent);
        let now = self.now();
        for (nth, next) in row.iter().enumerate() {
            if nth < sent {
                self.core.sent(*next, now);
            } else {
                self.core.unsent(*next, now);
            }
        }
        match wrong {
            Some(wrong) if !passes(&wrong) => Err(no_way(&wrong, SocketAddr::new(self.address, 0))),
            _ => Ok(row.len()),
        }
    }

    /// Puts them out by the means that there are; answers how many have left, in order.
    fn put_out(&mut self, places: Vec<Place>, row: &[Transmit]) -> (usize, Option<io::Error>) {
        let each = places.into_iter().zip(row.iter().map(|next| probe(*next)));
        match (&mut self.raw, &mut self.letters) {
            (Some(raw), _) => raw.send(each.map(|(place, probe)| (place, probe.number))),
            (None, Some(letters)) => {
                let mut sent = 0;
                for (place, probe) in each {
                    if let Err(wrong) = letters.send(self.gate, place, probe) {
                        return (sent, Some(wrong));
                    }
                    sent += 1;
                }
                (sent, None)
            }
            (None, None) => (0, None),
        }
    }

    /// So many have left of those that turns were given for.
    fn have_left(&self, turn: u64, sent: usize) {
        let sent = u32::try_from(sent).unwrap_or(0);
        if self.letters.is_some() {
            self.gate.posted(turn, sent);
        } else {
            self.gate.left(turn, sent);
        }
    }

    /// Asks for leave for each, and writes them into the audit log, in a row for each purpose; answers the places in their
    /// order.
    fn announce(&self, row: &[Transmit]) -> Result<Vec<Place>, Unopened> {
        let now = self.gate.now();
        for _ in row {
            if self.letters.is_some() {
                self.doors.budget.datagram()?;
            } else {
                self.doors.budget.connection()?;
            }
        }
        let mut places = Vec::with_capacity(row.len());
        for purpose in [None, Some(Again::Canary), Some(Again::Confirm)] {
            let alike = |(_, next): &(usize, &Transmit)| again(**next) == purpose;
            let these = || row.iter().enumerate().filter(alike);
            let ports: Vec<u16> = these().map(|(_, next)| probe(*next).port).collect();
            let Some(first) = ports.first() else { continue };
            let mut want = self.doors.want(self.address, self.doors.origin, *first);
            if self.letters.is_some() {
                want.transport = Transport::Udp;
            }
            let permits = self.gate.scope.permits(&want, ports, now);
            let permits = permits.map_err(|refusal| self.gate.refused(Some(&want), refusal))?;
            let announced = announce_many(self.gate, permits, self.doors.step.id, purpose)?;
            places.extend(these().map(|(nth, _)| nth).zip(announced));
        }
        places.sort_unstable_by_key(|(nth, _)| *nth);
        Ok(places.into_iter().map(|(_, place)| place).collect())
    }
}

fn purpose_of(what: Transmit) -> For {
    if matches!(what, Transmit::Confirm(_)) { For::Proof } else { For::State }
}

fn again(what: Transmit) -> Option<Again> {
    match what {
        Transmit::Canary(_) => Some(Again::Canary),
        Transmit::Confirm(_) => Some(Again::Confirm),
        Transmit::Probe(_) | Transmit::Drop(_) => None,
    }
}
