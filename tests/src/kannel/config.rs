//! Kannel's configuration file, written from the options.

use std::fmt::Display;
use std::net::SocketAddr;
use std::path::Path;

use anyhow::Result;

use super::options::{KannelOptions, Routing, Service};
use crate::ports::{free_port, is_listening};

/// The name of the sendsms user.
pub(super) const USERNAME: &str = "rapidsms";
/// The password of the sendsms user.
pub(super) const PASSWORD: &str = "change-me";
/// The password of the status page.
const ADMIN_PASSWORD: &str = "lab";

/// The ports of one Kannel.
#[derive(Debug, Clone, Copy)]
pub(super) struct Ports {
    admin: u16,
    smsbox: u16,
    sendsms: u16,
}

impl Ports {
    /// Returns three free ports.
    pub(super) fn free() -> Result<Self> {
        Ok(Self { admin: free_port()?, smsbox: free_port()?, sendsms: free_port()? })
    }

    /// Returns three ports that stand for any.
    pub(super) fn any() -> Self {
        Self { admin: 13000, smsbox: 13001, sendsms: 13013 }
    }

    /// Returns the URL of the status page.
    pub(super) fn status_url(self) -> String {
        format!("http://127.0.0.1:{}/status.txt?password={ADMIN_PASSWORD}", self.admin)
    }

    /// Returns whether bearerbox accepts smsbox.
    pub(super) fn smsbox_is_awaited(self) -> bool {
        is_listening(self.smsbox)
    }

    /// Returns the URL of sendsms.
    pub(super) fn sendsms_url(self) -> String {
        format!("http://127.0.0.1:{}/cgi-bin/sendsms", self.sendsms)
    }
}

/// One group of the file. A blank line ends it.
struct Group(String);

impl Group {
    fn new(name: &str) -> Self {
        Self(format!("group = {name}\n"))
    }

    fn set(self, name: &str, value: impl Display) -> Self {
        Self(format!("{}{name} = {value}\n", self.0))
    }

    /// Adds a value that the reader of the file would split unless it is quoted.
    fn quote(self, name: &str, value: &str) -> Self {
        self.set(name, format_args!("\"{value}\""))
    }

    fn lines(self, lines: &[String]) -> Self {
        lines.iter().fold(self, |group, line| Self(format!("{}{line}\n", group.0)))
    }
}

/// Returns the whole file. `operators` are the addresses of the lines' operators, in the order of the lines.
pub(super) fn render(options: &KannelOptions, ports: Ports, operators: &[SocketAddr], dir: &Path) -> String {
    let mut groups = vec![core(options, ports, dir)];
    groups.extend(options.lines.iter().zip(operators).map(|(line, operator)| smsc(options, line, *operator)));
    groups.push(smsbox(options, ports, dir));
    groups.push(user(options));
    groups.extend(options.services.iter().map(service));
    let file = groups.into_iter().map(|group| group.0).collect::<Vec<_>>().join("\n");
    options.replace.iter().fold(file, |file, (from, to)| {
        assert!(file.contains(from), "{from:?} is not in this configuration:\n{file}");
        file.replace(from, to)
    })
}

fn core(options: &KannelOptions, ports: Ports, dir: &Path) -> Group {
    Group::new("core")
        .set("admin-port", ports.admin)
        .set("admin-interface", "127.0.0.1")
        .set("admin-password", ADMIN_PASSWORD)
        .set("status-password", ADMIN_PASSWORD)
        .set("smsbox-port", ports.smsbox)
        .set("smsbox-interface", "127.0.0.1")
        .quote("box-deny-ip", "*.*.*.*")
        .quote("box-allow-ip", "127.0.0.1")
        .set("dlr-storage", "internal")
        .set("store-type", "spool")
        .quote("store-location", &dir.join("spool").to_string_lossy())
        .set("sms-resend-freq", options.resend_frequency)
        .quote("log-file", &dir.join("bearerbox.log").to_string_lossy())
        .set("log-level", 1)
        .lines(&options.extra.core)
}

fn smsc(options: &KannelOptions, line: &str, operator: SocketAddr) -> Group {
    let group = Group::new("smsc")
        .set("smsc", "smpp")
        .set("smsc-id", line)
        .set("host", operator.ip())
        .set("port", operator.port())
        .set("transceiver-mode", "true")
        .set("smsc-username", line)
        .set("smsc-password", super::smsc::PASSWORD)
        .quote("system-type", "")
        .set("reconnect-delay", 1);
    match options.routing {
        Routing::Any => group,
        Routing::Named => group.set("allowed-smsc-id", line),
    }
    .lines(&options.extra.smsc)
}

fn smsbox(options: &KannelOptions, ports: Ports, dir: &Path) -> Group {
    Group::new("smsbox")
        .set("bearerbox-host", "127.0.0.1")
        .set("sendsms-port", ports.sendsms)
        .set("sendsms-interface", "127.0.0.1")
        .quote("sendsms-chars", "0123456789 +-")
        .set("http-timeout", options.http_timeout)
        .set("http-request-retry", options.retries)
        .set("http-queue-delay", options.retry_delay)
        .set("max-pending-requests", options.max_pending)
        .quote("log-file", &dir.join("smsbox.log").to_string_lossy())
        .set("log-level", 1)
        .lines(&options.extra.smsbox)
}

fn user(options: &KannelOptions) -> Group {
    Group::new("sendsms-user")
        .set("username", USERNAME)
        .set("password", PASSWORD)
        .quote("user-deny-ip", "*.*.*.*")
        .quote("user-allow-ip", "127.0.0.1")
        .set("max-messages", options.max_messages)
        .set("concatenation", "true")
        .lines(&options.extra.user)
}

fn service(service: &Service) -> Group {
    let group = Group::new("sms-service").set("keyword", "default").set("catch-all", "true");
    match &service.line {
        Some(line) => group.set("accepted-smsc", line),
        None => group,
    }
    .set("max-messages", service.max_messages)
    .quote("get-url", &service.get_url)
    .lines(&service.extra)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_group_ends_in_a_blank_line_and_urls_are_quoted() {
        let mut options = KannelOptions::new("http://127.0.0.1:1/x?token=t");
        options.services[0].line = Some("A".into());
        options.routing = Routing::Named;
        let ports = Ports { admin: 1, smsbox: 2, sendsms: 3 };
        let file = render(&options, ports, &[SocketAddr::from(([127, 0, 0, 1], 4))], Path::new("/tmp/x"));
        let groups: Vec<_> =
            file.split("\n\n").map(|group| group.lines().next().unwrap_or_default()).collect();
        let expected =
            ["group = core", "group = smsc", "group = smsbox", "group = sendsms-user", "group = sms-service"];
        assert_eq!(groups, expected);
        assert!(file.contains("\nget-url = \"http://127.0.0.1:1/x?token=t&id=%p&to=%P&hex=%e&"));
        assert!(file.contains("\naccepted-smsc = A\n"));
        assert!(file.contains("\nallowed-smsc-id = A\n"));
    }
}
