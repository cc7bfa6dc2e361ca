//! Checks of the connections to the operators: `group = smsc`.

use super::{Check, Finding};
use crate::file::Conf;

const ANY_LINE: Check = Check::fault(
    "any-line",
    "replies go out on any connected line in turn, whatever `smsc` they name: through another operator, from another number",
    "the smsc of sendsms alone does not choose the line; only allowed-smsc-id keeps other replies out of a line",
);
const ONE_WAY: Check = Check::advice(
    "one-way-line",
    "no message from a phone arrives on this line",
    "an SMPP line without transceiver-mode or receive-port is bound as a transmitter only",
);

const NO_LINE: Check = Check::fault(
    "no-line",
    "smsbox ends as soon as it starts",
    "without a group = smsc, bearerbox does not open the port for smsbox",
);

pub(super) const ALL: &[Check] = &[NO_LINE, ANY_LINE, ONE_WAY];

pub(super) fn check(conf: &Conf) -> Vec<Finding> {
    let lines: Vec<_> = conf.all("smsc").collect();
    let mut findings = Vec::new();
    if let (Some(core), true) = (conf.the("core"), lines.is_empty()) {
        let mend = "add one for each connection to an operator, or include its file";
        findings.push(NO_LINE.at(&core.place, "there is no group = smsc", mend));
    }
    for line in &lines {
        let id = line.value("smsc-id").unwrap_or("its own smsc-id");
        if lines.len() > 1 && line.get("allowed-smsc-id").is_none() {
            let found = "there are several lines, and this one has no allowed-smsc-id";
            findings.push(ANY_LINE.at(&line.place_of("smsc-id"), found, format!("allowed-smsc-id = {id}")));
        }
        let two_ways =
            line.is_on("transceiver-mode") || line.number("receive-port").is_some_and(|port| port > 0);
        if line.value("smsc") == Some("smpp") && !two_ways {
            let found = "an SMPP line without transceiver-mode and receive-port";
            findings.push(ONE_WAY.at(&line.place_of("port"), found, "transceiver-mode = true"));
        }
    }
    findings
}
