//! The command that writes Kannel's configuration for the backends of the settings, and the TLS sidecar for it.
//!
//! The written files pass the [checks](super::check). Tests run them with the real Kannel, haproxy and nginx.

pub mod command;
mod given;
mod haproxy;
mod kannel;
mod nginx;
mod parts;
mod plan;

use std::net::IpAddr;

use parts::Base;
use plan::Plan;

/// A TLS proxy on Kannel's host.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum Sidecar {
    /// haproxy 2.4 or newer: keeps connections open, lets requests wait in a queue
    Haproxy,
    /// nginx 1.18 or newer: for hosts that have it already
    Nginx,
}

/// A file to write.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Written {
    /// The name of the file.
    pub name: &'static str,
    /// The text of the file.
    pub text: String,
}

fn files(plan: &Plan, sidecar: Sidecar) -> Result<Vec<Written>, String> {
    let text = kannel::render(plan);
    // Kannel reads a line with the word `include` as an include, whatever else the line says.
    if let Some(line) = text.lines().find(|line| !line.starts_with('#') && line.contains("include")) {
        let key = line.split(' ').next().unwrap_or_default();
        return Err(format!(
            "{key} would contain the word `include`, which Kannel would read as a command: choose another value"
        ));
    }
    let mut files = vec![Written { name: "kannel.conf", text }];
    if let Base::Far { host, port, .. } = &plan.base {
        files.push(match sidecar {
            Sidecar::Haproxy => Written { name: "haproxy.cfg", text: haproxy::render(plan, host, *port) },
            Sidecar::Nginx => {
                Written { name: "nginx.conf", text: nginx::render(plan, host, *port, &name_server(plan))? }
            }
        });
    }
    Ok(files)
}

/// Returns a name server in the form that nginx needs: the given one, or the first one of this machine.
fn name_server(plan: &Plan) -> String {
    if let Some(given) = plan.resolver {
        return given.to_string();
    }
    let text = std::fs::read_to_string("/etc/resolv.conf").unwrap_or_default();
    let address = |line: &str| line.strip_prefix("nameserver")?.trim().parse::<IpAddr>().ok();
    match text.lines().find_map(address) {
        Some(IpAddr::V4(address)) => address.to_string(),
        Some(IpAddr::V6(address)) => format!("[{address}]"),
        None => "127.0.0.53".to_owned(),
    }
}

/// Returns a value for `kannel.conf`, in quotes if it needs them.
fn quoted(value: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_.:/@".contains(c);
    if !value.is_empty() && value.chars().all(plain) {
        return value.to_owned();
    }
    format!("\"{}\"", value.replace('\\', "\\\\").replace('"', "\\\""))
}

#[cfg(test)]
mod tests;
