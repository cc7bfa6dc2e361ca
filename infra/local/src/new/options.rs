//! The options of `new`, and the line that names the framework.

use std::path::{Path, PathBuf};

use clap::Args;
use toml::Value;

/// The options of `new`.
#[derive(Debug, Args)]
#[command(
    after_help = "Exit status: 0 written, 2 it could not be. Without --path, --git and --use-version the project uses \
                  the checkout that this program was built from, or else the version of this program."
)]
pub struct NewOptions {
    /// The folder of the new project. It must not exist yet, or be empty
    #[arg(value_name = "DIR")]
    pub dir: PathBuf,

    /// The name of the project, which its replies show; by default the name of the folder
    #[arg(long, value_name = "NAME")]
    pub name: Option<String>,

    /// Use the framework in this checkout
    #[arg(long, value_name = "DIR", conflicts_with_all = ["git", "use_version"])]
    pub path: Option<PathBuf>,

    /// Use the framework in this Git repository
    #[arg(long, value_name = "URL", conflicts_with = "use_version")]
    pub git: Option<String>,

    /// The tag in the Git repository; by default its main branch
    #[arg(long, value_name = "TAG", requires = "git")]
    pub tag: Option<String>,

    /// Use this published version of the framework
    #[arg(long, value_name = "VERSION")]
    pub use_version: Option<String>,
}

/// Where a project takes the framework from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Framework {
    /// The folder of the package, on this machine.
    Path(PathBuf),
    /// A Git repository, and a tag in it.
    Git(String, Option<String>),
    /// A published version.
    Version(String),
}

impl Framework {
    /// Returns what the options ask for. The error is one line.
    pub(super) fn of(options: &NewOptions) -> Result<Self, String> {
        if let Some(url) = &options.git {
            return Ok(Self::Git(url.clone(), options.tag.clone()));
        }
        if let Some(version) = &options.use_version {
            return Ok(Self::Version(version.clone()));
        }
        if let Some(checkout) = &options.path {
            let kit = kit(checkout);
            let found = kit.and_then(|kit| kit.canonicalize().ok());
            return found.map(Self::Path).ok_or_else(|| {
                format!("--path: {} is no checkout of Threadless: it has no infra/kit", checkout.display())
            });
        }
        let built_from = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
        let kept = kit(&built_from).and_then(|kit| kit.canonicalize().ok()).filter(|kit| !is_cargos(kit));
        Ok(kept.map_or_else(|| Self::Version(env!("CARGO_PKG_VERSION").to_owned()), Self::Path))
    }

    /// Returns the line for `[workspace.dependencies]`.
    pub(super) fn line(&self) -> String {
        let place = match self {
            Self::Path(kit) => format!("path = {}", text(&kit.to_string_lossy())),
            Self::Git(url, None) => format!("git = {}", text(url)),
            Self::Git(url, Some(tag)) => format!("git = {}, tag = {}", text(url), text(tag)),
            Self::Version(version) => format!("version = {}", text(version)),
        };
        format!("threadless = {{ package = \"threadless-kit\", {place} }}")
    }
}

/// Returns the folder of the package in a checkout, if it is there.
fn kit(checkout: &Path) -> Option<PathBuf> {
    let kit = checkout.join("infra/kit");
    kit.join("Cargo.toml").is_file().then_some(kit)
}

/// Returns whether Cargo made this checkout. Cargo may delete it at any time.
fn is_cargos(kit: &Path) -> bool {
    kit.ancestors().any(|folder| folder.ends_with("git/checkouts"))
}

/// Returns a text as TOML writes it.
fn text(text: &str) -> String {
    Value::from(text).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_line_names_the_place_of_the_framework() {
        for (framework, place) in [
            (
                Framework::Path("/home/a b/threadless/infra/kit".into()),
                r#"path = "/home/a b/threadless/infra/kit""#,
            ),
            (
                Framework::Git("https://git.example/t.git".into(), None),
                r#"git = "https://git.example/t.git""#,
            ),
            (
                Framework::Git("https://git.example/t.git".into(), Some("v0.1.0".into())),
                r#"git = "https://git.example/t.git", tag = "v0.1.0""#,
            ),
            (Framework::Version("0.1.0".into()), r#"version = "0.1.0""#),
        ] {
            assert_eq!(
                framework.line(),
                format!(r#"threadless = {{ package = "threadless-kit", {place} }}"#)
            );
            assert!(framework.line().parse::<toml::Table>().is_ok());
        }
    }

    #[test]
    fn a_path_that_is_no_checkout_is_named() {
        let options = NewOptions {
            dir: "clinic".into(),
            name: None,
            path: Some("/nowhere".into()),
            git: None,
            tag: None,
            use_version: None,
        };
        let problem = Framework::of(&options).unwrap_err();
        assert_eq!(problem, "--path: /nowhere is no checkout of Threadless: it has no infra/kit");
        let kit = Path::new(env!("CARGO_MANIFEST_DIR")).join("../kit").canonicalize().unwrap();
        let here = NewOptions { path: None, ..options };
        assert_eq!(Framework::of(&here), Ok(Framework::Path(kit)));
        assert!(is_cargos(Path::new("/root/.cargo/git/checkouts/threadless-1/abc/infra/kit")));
    }
}
