//! `cargo run -- kannel-conf`: reads the settings, and writes the files or shows them.

use std::fmt::Write as _;
use std::fs::{self, OpenOptions};
use std::io::Write as _;
use std::net::{IpAddr, SocketAddr};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use clap::Args;
use url::Url;

use super::plan::{Plan, Wanted};
use super::{Sidecar, Written, files};
use crate::Outcome;
use crate::backends::{Backends, SettingsFile};

/// The options of `kannel-conf`.
#[derive(Debug, Args)]
#[command(
    after_help = "The command looks for secrets as the functions do: in the environment, then in THREADLESS_SECRETS. In \
                        place of a value that it does not know or must not show, it writes FILL-IN, which kannel-check \
                        finds.\nExit status: 0 the files are written, 2 an error."
)]
pub struct ConfOptions {
    /// The URL of the functions: the stack's `ApiUrl`; if not given, the local stack
    #[arg(long, value_name = "URL")]
    pub base_url: Option<Url>,

    /// The TLS proxy for Kannel, if the URL is https
    #[arg(long, value_enum, default_value_t = Sidecar::Haproxy)]
    pub sidecar: Sidecar,

    /// Only these backends; by default all kannel backends
    #[arg(long = "backend", value_name = "NAME")]
    pub backends: Vec<String>,

    /// Write the files into this folder (readable by you alone) instead of showing them
    #[arg(long, value_name = "DIR")]
    pub output: Option<PathBuf>,

    /// Show passwords and tokens in the files, and `KANNEL_ADMIN_PASSWORD` as the password of Kannel's own status page
    #[arg(long)]
    pub show_secrets: bool,

    /// The port of the sidecar on Kannel's host
    #[arg(long, value_name = "PORT", default_value_t = 8443)]
    pub sidecar_port: u16,

    /// The name server that the sidecar asks; by default the system's
    #[arg(long, value_name = "ADDRESS", value_parser = name_server)]
    pub resolver: Option<SocketAddr>,

    /// The certificates that the sidecar trusts
    #[arg(long, value_name = "FILE", default_value = "/etc/ssl/certs/ca-certificates.crt")]
    pub ca_file: PathBuf,

    /// Let the sidecar also accept the replies, with the certificate and key in this file; the sidecar always does so
    /// if `sendsms_url` is https
    #[arg(long, value_name = "FILE")]
    pub sendsms_cert: Option<PathBuf>,
}

fn name_server(text: &str) -> Result<SocketAddr, String> {
    let address = || text.parse::<IpAddr>().map(|address| SocketAddr::from((address, 53)));
    text.parse()
        .or_else(|_| address())
        .map_err(|_| "write an address such as 10.0.0.2 or 127.0.0.1:5353".to_owned())
}

/// Writes the files or shows them. The error is one line.
pub fn run(options: &ConfOptions, port: u16, settings: &SettingsFile<'_>) -> Result<Outcome, String> {
    let settings = Backends::load(settings)?;
    let local = || Url::parse(&format!("http://127.0.0.1:{port}")).map_err(|problem| problem.to_string());
    let plan = Plan::new(
        &settings,
        Wanted {
            base_url: options.base_url.clone().map_or_else(local, Ok)?,
            backends: &options.backends,
            show_secrets: options.show_secrets,
            sidecar_port: options.sidecar_port,
            resolver: options.resolver,
            ca_file: options.ca_file.clone(),
            sendsms_cert: options.sendsms_cert.clone(),
            admin_password: std::env::var("KANNEL_ADMIN_PASSWORD")
                .ok()
                .filter(|password| !password.is_empty()),
        },
    )?;
    let files = files(&plan, options.sidecar)?;
    let text = match &options.output {
        Some(folder) => written(folder, &files)?,
        None => shown(&files),
    };
    Ok(Outcome { text, status: 0 })
}

fn written(folder: &Path, files: &[Written]) -> Result<String, String> {
    let problem =
        |file: &Path, problem: std::io::Error| format!("{} cannot be written: {problem}", file.display());
    fs::create_dir_all(folder).map_err(|error| problem(folder, error))?;
    let mut text = String::new();
    for file in files {
        let path = folder.join(file.name);
        let opened = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&path);
        let result = opened.and_then(|mut opened| opened.write_all(file.text.as_bytes()));
        result.map_err(|error| problem(&path, error))?;
        let _ = writeln!(text, "{}", path.display());
    }
    Ok(text)
}

/// Returns one file as it is, and several files with a line before each.
fn shown(files: &[Written]) -> String {
    if let [only] = files {
        return only.text.clone();
    }
    let mut text = String::new();
    for file in files {
        let _ = writeln!(text, "# ======== {}\n{}", file.name, file.text);
    }
    text
}
