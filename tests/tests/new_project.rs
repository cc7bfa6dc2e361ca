//! A project of one's own: `cargo run -- new`, and the way from an empty folder to the first reply.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::fs;
use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc;
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use tempfile::TempDir;
use tests::ports::free_port;
use tests::tools::{bare, printed, target, top};
use toml::{Table, Value};

/// The packages that a project depends on, each after those that it needs itself.
const PACKAGES: [&str; 5] =
    ["threadless", "threadless-kannel", "threadless-sqs", "threadless-local", "threadless-kit"];

/// The number of files that the owner of a project may have to read and edit.
const OWNED: usize = 12;

fn stack(folder: &Path) -> Command {
    let mut command = bare(env!("CARGO_BIN_EXE_stack"));
    command.current_dir(folder);
    command
}

/// Returns the files of a folder, with their paths in it.
fn files(folder: &Path) -> Result<BTreeSet<PathBuf>> {
    let (mut found, mut left) = (BTreeSet::new(), vec![folder.to_owned()]);
    while let Some(next) = left.pop() {
        for entry in fs::read_dir(next)? {
            let path = entry?.path();
            if path.is_dir() {
                left.push(path);
            } else {
                found.insert(path.strip_prefix(folder)?.to_owned());
            }
        }
    }
    Ok(found)
}

fn table(file: &Path) -> Result<Table> {
    fs::read_to_string(file)?.parse().with_context(|| file.display().to_string())
}

fn paths<const N: usize>(names: [&str; N]) -> BTreeSet<PathBuf> {
    names.map(PathBuf::from).into()
}

/// A new project differs from this repository only in the files that say how it is built.
#[test]
fn a_new_project_has_the_files_of_this_repository() -> Result<()> {
    let above = TempDir::new()?;
    let told = printed(stack(above.path()).args(["new", "threadless"]))?;
    let project = above.path().join("threadless");
    let written = files(&project)?;
    let expected = format!("Wrote {} files into {}.\n", written.len(), project.display());
    assert!(told.starts_with(&expected), "{told}");

    let mut other = BTreeSet::new();
    for file in &written {
        let (theirs, ours) = (fs::read(project.join(file))?, fs::read(top().join(file)).ok());
        if ours.as_ref() != Some(&theirs) {
            other.insert(file.clone());
        }
    }
    let own = [
        ".github/workflows/ci.yml",
        ".gitignore",
        "Cargo.toml",
        "README.md",
        "functions/Cargo.toml",
        "functions/local/Cargo.toml",
        "tests/transcripts.rs",
    ];
    assert_eq!(other, paths(own));
    // All code, texts and settings of the folder functions/ are there.
    let built = paths(["Cargo.toml", "local/Cargo.toml"]);
    assert_eq!(files(&project.join("functions"))?, &files(&top().join("functions"))? | &built);
    Ok(())
}

/// The versions and dependencies of a new project are those with which this repository is tested.
#[test]
fn a_new_project_depends_on_what_this_repository_depends_on() -> Result<()> {
    let above = TempDir::new()?;
    printed(stack(above.path()).args(["new", "clinic"]))?;
    let project = above.path().join("clinic");
    let (theirs, ours) = (table(&project.join("Cargo.toml"))?, table(&top().join("Cargo.toml"))?);
    let dependencies = theirs["workspace"]["dependencies"].as_table().context("no dependencies")?;
    let framework: Vec<(&String, &Value)> = dependencies
        .iter()
        .filter(|(_, value)| value.get("package").is_some_and(|name| name.as_str() == Some("threadless-kit")))
        .collect();
    let kit = top().join("infra/kit").canonicalize()?;
    let [(name, line)] = framework[..] else { anyhow::bail!("not one line: {framework:?}") };
    assert_eq!((name.as_str(), line["path"].as_str()), ("threadless", kit.to_str()));
    for (name, value) in dependencies {
        if name == "threadless" || name == "functions" {
            continue;
        }
        let known = &ours["workspace"]["dependencies"][name];
        let version =
            |value: &Value| value.get("version").or(Some(value)).and_then(Value::as_str).map(str::to_owned);
        assert_eq!(version(value), version(known), "{name}");
    }
    assert_eq!(theirs["workspace"]["resolver"], ours["workspace"]["resolver"]);
    assert_eq!(theirs["workspace"]["package"]["edition"], ours["workspace"]["package"]["edition"]);
    for key in ["lto", "codegen-units", "panic", "strip"] {
        assert_eq!(theirs["profile"]["release"][key], ours["profile"]["release"][key], "{key}");
    }
    let local = Path::new("functions/local/Cargo.toml");
    let (at_theirs, at_ours) = (table(&project.join(local))?, table(&top().join(local))?);
    assert_eq!(
        at_theirs["package"]["default-run"], at_ours["package"]["default-run"],
        "what cargo run starts"
    );
    assert_eq!(theirs["workspace"]["default-members"], ours["workspace"]["default-members"]);
    let functions = Path::new("functions/Cargo.toml");
    let (theirs, ours) = (table(&project.join(functions))?, table(&top().join(functions))?);
    for kind in ["dependencies", "dev-dependencies"] {
        assert_eq!(theirs[kind], ours[kind], "{kind}");
    }
    Ok(())
}

/// The README of a new project lists the files of its owner, and their number is limited.
#[test]
fn the_owner_has_few_files_and_the_readme_names_them() -> Result<()> {
    let above = TempDir::new()?;
    printed(stack(above.path()).args(["new", "my clinic", "--name", "Clinic of Kisumu"]))?;
    let project = above.path().join("my clinic");
    let readme = fs::read_to_string(project.join("README.md"))?;
    let lines: Vec<&str> = readme.lines().collect();
    assert!(lines.len() <= 50 && readme.starts_with("# Clinic of Kisumu\n"), "one screen: {}", lines.len());
    let rows = lines.iter().filter(|line| line.starts_with("| `"));
    let named: Vec<&str> = rows
        .filter_map(|row| row.split('|').nth(1))
        .flat_map(|cell| cell.split('`').skip(1).step_by(2))
        .collect();
    let mut owned = paths(["README.md"]);
    for name in named {
        let path = project.join(name);
        if path.is_dir() {
            owned.extend(files(&path)?.into_iter().map(|file| Path::new(name).join(file)));
        } else {
            assert!(path.is_file(), "{name}");
            owned.insert(name.into());
        }
    }
    assert_eq!(owned.len(), OWNED, "{owned:?}");
    let settings = table(&project.join("functions/settings.toml"))?;
    assert_eq!(settings["project"]["name"].as_str(), Some("Clinic of Kisumu"));
    let deploy = table(&project.join("samconfig.toml"))?;
    assert_eq!(deploy["dev"]["deploy"]["parameters"]["stack_name"].as_str(), Some("clinic-of-kisumu-dev"));
    let overrides = &deploy["dev"]["deploy"]["parameters"]["parameter_overrides"][0];
    assert_eq!(overrides.as_str(), Some("SecretsId=clinic-of-kisumu-dev"));
    Ok(())
}

/// The page of the architecture lists the packages, each after those that it depends on.
#[test]
fn the_packages_depend_on_those_above_them() -> Result<()> {
    let page = fs::read_to_string(top().join("core/ARCHITECTURE.md"))?;
    let (_, section) = page.split_once("## The packages\n").context("no packages")?;
    let (section, _) = section.split_once("\n## ").context("no end")?;
    let rows = section.lines().filter(|line| line.starts_with("| `"));
    let rows: Vec<(&str, &str)> = rows
        .filter_map(|row| {
            let mut cells = row.split('`');
            Some((cells.nth(1)?, cells.nth(1)?))
        })
        .collect();
    let members = &table(&top().join("Cargo.toml"))?["workspace"]["members"];
    let members = members.as_array().context("no members")?.iter().filter_map(Value::as_str);
    assert_eq!(rows.iter().map(|(_, folder)| *folder).collect::<BTreeSet<_>>(), members.collect());
    let mut above = Vec::new();
    for (name, folder) in &rows {
        let manifest = table(&top().join(folder).join("Cargo.toml"))?;
        assert_eq!(manifest["package"]["name"].as_str(), Some(*name));
        assert_eq!(manifest["package"].get("publish").is_none(), PACKAGES.contains(name), "{name}");
        for (key, value) in manifest["dependencies"].as_table().context("no dependencies")? {
            let package = value.get("package").and_then(Value::as_str).unwrap_or(key);
            let ours = rows.iter().any(|(name, _)| *name == package);
            assert!(!ours || above.contains(&package.to_owned()), "{name} depends on {package}");
        }
        above.push((*name).to_owned());
    }
    Ok(())
}

/// A folder far from this checkout, with the packed crates unpacked in it.
struct Far {
    folder: TempDir,
}

impl Far {
    /// Packs the crates as for publication, and unpacks them.
    fn new() -> Result<Self> {
        let folder = TempDir::new()?;
        let packed = folder.path().join("packed");
        let mut pack = bare("cargo");
        pack.args(["package", "--quiet", "--no-verify", "--allow-dirty", "--target-dir"]).arg(&packed);
        printed(pack.args(PACKAGES.iter().flat_map(|name| ["-p", name])))?;
        let far = Self { folder };
        for name in PACKAGES {
            let file = packed.join("package").join(format!("{name}-{}.crate", env!("CARGO_PKG_VERSION")));
            printed(bare("tar").arg("-xzf").arg(file).arg("-C").arg(far.folder.path()))?;
        }
        far.take_crates(env!("CARGO_PKG_VERSION"))?;
        Ok(far)
    }

    fn unpacked(&self, name: &str, version: &str) -> PathBuf {
        self.folder.path().join(format!("{name}-{version}"))
    }

    /// Lets the projects in this folder find the crates of this version, as if they were published. Everything that a
    /// project builds goes to one place, which the next run of this test uses again.
    fn take_crates(&self, version: &str) -> Result<()> {
        let mut config = format!(
            "[build]\ntarget-dir = {}\n[profile.dev]\ndebug = false\n[patch.crates-io]\n",
            Value::from(target().join("new-project").to_string_lossy().into_owned())
        );
        for name in PACKAGES {
            let path = self.unpacked(name, version).to_string_lossy().into_owned();
            writeln!(config, "{name} = {{ path = {} }}", Value::from(path))?;
        }
        fs::create_dir_all(self.folder.path().join(".cargo"))?;
        fs::write(self.folder.path().join(".cargo/config.toml"), config)?;
        Ok(())
    }

    /// Makes the next version of the crates: the same code with another number.
    fn next_version(&self, version: &str) -> Result<()> {
        let present = env!("CARGO_PKG_VERSION");
        for name in PACKAGES {
            let (from, to) = (self.unpacked(name, present), self.unpacked(name, version));
            fs::rename(&from, &to)?;
            let manifest = to.join("Cargo.toml");
            let text = fs::read_to_string(&manifest)?;
            let mut of_framework = false;
            let lines = text.lines().map(|line| {
                if line.starts_with('[') {
                    of_framework = line == "[package]"
                        || PACKAGES.iter().any(|name| line == format!("[dependencies.{name}]"));
                }
                let numbered = of_framework && line == format!("version = \"{present}\"");
                if numbered { format!("version = \"{version}\"") } else { line.to_owned() }
            });
            let text = lines.collect::<Vec<_>>().join("\n");
            fs::write(&manifest, text)?;
        }
        self.take_crates(version)
    }
}

/// Returns cargo in a project. It sees nothing of this checkout.
fn cargo(project: &Path) -> Command {
    let mut cargo = bare("cargo");
    cargo.current_dir(project).env_remove("CARGO_TARGET_DIR");
    cargo
}

/// Runs the tests of the project, and returns what they print.
fn tested(project: &Path) -> Result<String> {
    printed(cargo(project).args(["test", "--quiet", "--", "--format=pretty"]))
}

/// The stack of the project, as `cargo run` starts it. It ends when this is dropped.
struct Run {
    child: Child,
    lines: mpsc::Receiver<String>,
}

impl Run {
    fn start(project: &Path, port: u16, gateway: u16) -> Result<Self> {
        let settings = project.join("functions/settings.toml");
        let text = fs::read_to_string(&settings)?;
        ensure!(text.contains(":13013/"), "the gateway of the settings is another");
        fs::write(&settings, text.replace(":13013/", &format!(":{gateway}/")))?;
        let mut run = cargo(project);
        run.args(["run", "--quiet", "--", "--port", &port.to_string()]);
        run.args(["--dynamodb-port", &free_port()?.to_string(), "--sqs-port", &free_port()?.to_string()]);
        let mut child = run.stdout(Stdio::piped()).spawn()?;
        let pipe = child.stdout.take().context("no stdout")?;
        let (sender, lines) = mpsc::channel();
        std::thread::spawn(move || {
            for line in BufReader::new(pipe).lines().map_while(Result::ok) {
                if sender.send(line).is_err() {
                    break;
                }
            }
        });
        Ok(Self { child, lines })
    }

    /// Waits for a line that ends like this.
    fn shown(&self, end: &str) -> Result<String> {
        loop {
            let line =
                self.lines.recv_timeout(Duration::from_mins(10)).with_context(|| format!("no {end:?}"))?;
            if line.ends_with(end) {
                return Ok(line);
            }
        }
    }
}

impl Drop for Run {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The lines of a fenced block of the README, by the word after the fence.
fn block(readme: &str, kind: &str) -> Result<String> {
    let begin = readme.find(&format!("```{kind}\n")).with_context(|| format!("no block {kind}"))?;
    let text = &readme[begin + kind.len() + 4..];
    Ok(text[..text.find("```").context("no end")?].to_owned())
}

fn edit(file: &Path, change: impl FnOnce(String) -> String) -> Result<()> {
    let before = fs::read_to_string(file)?;
    let after = change(before.clone());
    ensure!(before != after, "{} looks different", file.display());
    Ok(fs::write(file, after)?)
}

#[test]
#[ignore = "builds a project and everything that it needs: tests/run"]
fn a_project_is_built_from_the_packed_crates_answers_grows_and_is_upgraded() -> Result<()> {
    let far = Far::new()?;
    let folder = far.folder.path();
    let version = env!("CARGO_PKG_VERSION");
    printed(stack(folder).args(["new", "clinic", "--use-version", version]))?;
    let project = folder.join("clinic");
    // The versions that this repository was tested with.
    fs::copy(top().join("Cargo.lock"), project.join("Cargo.lock"))?;

    let said = tested(&project)?;
    for place in ["on the bench, inline", "on the bench, queued", "over HTTP, inline", "over HTTP, queued"] {
        assert!(said.contains(&format!("health-reports.txt, {place}")), "{place}: {said}");
    }
    let (port, gateway) = (free_port()?, free_port()?);
    let run = Run::start(&project, port, gateway)?;
    run.shown(
        "Open http://127.0.0.1:{port}/httptester/ in a browser and write to your apps."
            .replace("{port}", &port.to_string())
            .as_str(),
    )?;
    let url = format!("http://127.0.0.1:{port}/backend/my-kannel-backend/?id=1112223333&text=echo+hello");
    printed(bare("curl").args(["-fsS", &url]))?;
    assert_eq!(run.shown(": hello")?, "→ 1112223333: hello");
    drop(run);

    // The README of the project (infra/local/new/README.md): a second app and its transcript.
    let readme = fs::read_to_string(project.join("README.md"))?;
    let app = readme.split('`').find(|text| text.starts_with(".app(keyword(")).context("no app")?;
    let apps = project.join("functions/src/apps.rs");
    edit(&apps, |text| {
        text.replace("        .app(DefaultReply)", &format!("        {app}\n        .app(DefaultReply)"))
            .replace("Registration, conversation}", "Registration, conversation, keyword}")
    })?;
    fs::write(project.join("tests/transcripts/hours.txt"), block(&readme, "text")?)?;
    let said = tested(&project)?;
    assert!(said.contains("hours.txt, over HTTP, queued"), "{said}");

    // The owner's apps in place of the example.
    fs::remove_dir_all(project.join("functions/src/apps"))?;
    for file in files(&project.join("tests/transcripts"))? {
        fs::remove_file(project.join("tests/transcripts").join(file))?;
    }
    edit(&apps, |text| {
        let left = text.lines().filter(|line| {
            !["birth", "reminder", "report::", "mod report", "supervisors here"]
                .iter()
                .any(|word| line.contains(word))
        });
        left.collect::<Vec<_>>().join("\n").replace("conversation, ", "") + "\n"
    })?;
    tested(&project)?;

    // An upgrade is one line.
    far.next_version("0.2.0")?;
    edit(&project.join("Cargo.toml"), |text| {
        text.replace(&format!("version = \"{version}\" }}"), "version = \"0.2.0\" }")
    })?;
    printed(cargo(&project).args(["check", "--quiet"]))?;
    let tree = printed(cargo(&project).args(["tree", "--prefix", "none", "--depth", "3", "-p", "local"]))?;
    assert!(tree.contains("threadless-kit v0.2.0") && tree.contains("threadless-local v0.2.0"), "{tree}");
    Ok(())
}
