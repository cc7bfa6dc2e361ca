//! The main program: it starts the stack, prints the addresses, and ends on Ctrl-C.

use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use clap::Parser as _;
use threadless::SystemClock;
use threadless::backend::Engines;
use threadless::lambda::EnvironmentError;
use threadless_kannel::{self as kannel, GET_URL, Outcome, SettingsFile};
use tracing_subscriber::EnvFilter;

use crate::figures::status;
use crate::new;
use crate::options::{Command, DEFAULT_PORT, Options, Tool, ToolCommand};
use crate::output::{self, Log, complain, say};
use crate::project::{self, LocalProject};
use crate::redrive::{self, RedriveOptions};
use crate::script::{self, ScriptOptions, Verdict};
use crate::setup::{StackOptions, StartError};
use crate::signals::StopSignals;
use crate::stack::Stack;

/// The exit status of a stack that got two stop signals. Shells use the same status for Ctrl-C.
const INTERRUPTED: u8 = 130;

/// The time that running work gets to notice the end of the runtime. An app that blocks its thread never notices.
const LAST_MOMENT: Duration = Duration::from_secs(1);

/// The settings of the project in the present folder.
const OWN_SETTINGS: &str = "functions/settings.toml";

/// Reads the command line, and runs the stack of this project until Ctrl-C, SIGTERM or SIGHUP. A second signal ends the
/// stack at once.
///
/// If the stack cannot run, it prints one line on standard error and returns a failure.
pub fn launch(project: LocalProject) -> ExitCode {
    let options = Options::parse();
    if let Some(command) = &options.command {
        return beside(command, &options, project);
    }
    start_logging(&options);
    let ended = match tokio::runtime::Runtime::new() {
        Ok(runtime) => {
            let ended = runtime.block_on(run(&options, project));
            runtime.shutdown_timeout(LAST_MOMENT);
            ended
        }
        Err(problem) => Err(no_thread(&problem)),
    };
    output::finish();
    match ended {
        Ok(status) => status,
        Err(problem) => {
            complain(&problem);
            ExitCode::FAILURE
        }
    }
}

fn start_logging(options: &Options) {
    // A failed condition is a normal answer, but the embedded DynamoDB logs a warning for each one.
    let quiet = |log: &str| format!("dynoxide=error,{log}");
    let filter = EnvFilter::try_new(quiet(&options.log)).unwrap_or_else(|_| EnvFilter::new(quiet("warn")));
    let logs = tracing_subscriber::fmt().with_env_filter(filter).with_writer(Log).compact();
    let _ = logs.log_internal_errors(false).try_init();
}

fn no_thread(problem: &std::io::Error) -> String {
    format!("cannot start a thread: {problem}")
}

/// Prints the outcome, and returns the exit status.
fn shown(Outcome { text, status }: Outcome) -> Result<u8, String> {
    output::print(&text).map(|()| status)
}

/// Brings dead letters back, and prints one line for each. A line that cannot be printed does not stop the work.
fn bring_back(options: &RedriveOptions) -> Result<u8, String> {
    let mut printed = Ok(());
    let status = redrive::run(options, |line| {
        let shown = output::print(&format!("{line}\n"));
        if printed.is_ok() {
            printed = shown;
        }
    })?;
    printed.map(|()| status)
}

/// Runs a command that is not the stack, and ends.
fn beside(command: &Command, options: &Options, project: LocalProject) -> ExitCode {
    ended(match command {
        Command::Tool(command) => {
            let own = || Ok(project.code.settings.to_owned());
            run_tool(command, options.port, options.settings.as_deref(), own, &(project.code.engines)())
        }
        Command::Script(script) => play(script, options, project),
    })
}

/// Runs a command that needs no project: the main function of the program `threadless`, which can be installed.
pub fn tool() -> ExitCode {
    let Tool { command, settings } = Tool::parse();
    let own = || project::read_settings(Path::new(OWN_SETTINGS));
    ended(run_tool(&command, DEFAULT_PORT, settings.as_deref(), own, &Engines::standard()))
}

/// Runs a command with the settings in this file, or with the text from `own`.
fn run_tool(
    command: &ToolCommand,
    port: u16,
    file: Option<&Path>,
    own: impl FnOnce() -> Result<String, String>,
    engines: &Engines,
) -> Result<u8, String> {
    match command {
        ToolCommand::New(options) => new::run(options).and_then(|text| shown(Outcome { text, status: 0 })),
        ToolCommand::KannelConf(options) => {
            let text = file.map_or_else(own, project::read_settings)?;
            let settings = SettingsFile { text: &text, file, engines };
            kannel::conf::command::run(options, port, &settings).and_then(shown)
        }
        ToolCommand::KannelCheck(options) => {
            let text = file.map(project::read_settings).transpose()?;
            let settings = text.as_deref().map(|text| SettingsFile { text, file, engines });
            kannel::check::command::run(options, settings.as_ref()).and_then(shown)
        }
        ToolCommand::Redrive(options) => bring_back(options),
        ToolCommand::Status(options) => {
            status::run(options, port).and_then(|text| shown(Outcome { text, status: 0 }))
        }
    }
}

/// Returns the exit status of a command: its own, or 2 after one line on standard error.
fn ended(ended: Result<u8, String>) -> ExitCode {
    match ended {
        Ok(status) => ExitCode::from(status),
        Err(problem) => {
            complain(&problem);
            ExitCode::from(2)
        }
    }
}

/// Plays transcripts, and prints while it plays.
fn play(script: &ScriptOptions, options: &Options, project: LocalProject) -> Result<u8, String> {
    start_logging(options);
    let settings = project.settings_text(options.settings.as_deref())?;
    let runtime = tokio::runtime::Runtime::new().map_err(|problem| no_thread(&problem))?;
    let verdict = runtime.block_on(script::run(script, project, &settings, &mut std::io::stdout()));
    output::finish();
    Ok(match verdict {
        Verdict::True => 0,
        Verdict::False => 1,
        Verdict::Unplayed => 2,
    })
}

async fn run(options: &Options, project: LocalProject) -> Result<ExitCode, String> {
    let settings = project.settings_text(options.settings.as_deref())?;
    // Wait for signals before anything starts: a signal during the start must end the start too.
    let mut stop = StopSignals::new().map_err(|problem| format!("cannot wait for signals: {problem}"))?;
    let started = Stack::start(StackOptions {
        port: options.port,
        dynamodb_port: options.dynamodb_port,
        sqs_port: options.sqs_port,
        data: Some(options.data.clone()),
        durable: options.durable,
        allow_hosts: options.allow_host.clone(),
        project,
        settings,
        tick: Duration::from_secs(options.tick_seconds),
        gateway: Some(show),
        clock: Arc::new(SystemClock),
    });
    let stack = started.await.map_err(|problem| match (&problem, &options.settings) {
        (StartError::Environment(EnvironmentError::Settings(_)), Some(file)) => {
            format!("{}: {problem}", file.display())
        }
        _ => problem.to_string(),
    })?;
    say(&banner(&stack, options));
    stop.next().await;
    tokio::select! {
        biased;
        () = stack.stop() => {
            say(&format!("Stopped. All accepted messages are stored in {}.\n", options.data.display()));
            Ok(ExitCode::SUCCESS)
        }
        () = stop.next() => {
            let data = options.data.display();
            say(&format!("Stopped at once. Unfinished work continues at the next start, from the data in {data}.\n"));
            Ok(ExitCode::from(INTERRUPTED))
        }
    }
}

/// Shows a reply as the phone would show it.
fn show(to: &str, text: &str) {
    say(&format!("→ {to}: {text}\n"));
}

fn banner(stack: &Stack, options: &Options) -> String {
    use std::fmt::Write as _;
    let mut text = String::new();
    let project = stack.project();
    let _ = writeln!(
        text,
        "{} is running. Its data is in {}. Press Ctrl-C to stop it.\n",
        project.about().name,
        options.data.display()
    );
    if let Some((name, _)) = project.backends().find(|(_, engine)| *engine == "httptester") {
        let url = stack.backend_url(name.as_str());
        let page = url.strip_suffix(&format!("{name}/")).unwrap_or(&url);
        let _ = writeln!(text, "Open {page} in a browser and write to your apps.\n");
    }
    for (name, _) in project.backends() {
        let name = name.as_str();
        let _ = writeln!(text, "  {name:<20} {}", stack.backend_url(name));
    }
    let _ = writeln!(text, "  {:<20} http://{}", "DynamoDB", stack.dynamodb);
    let _ = writeln!(text, "  {:<20} {}", "SQS", stack.queue_url);
    for (port, pretended) in &stack.pretended {
        let names = pretended.join(", ");
        let _ = writeln!(text, "\nNo gateway listens on port {port}: replies of {names} are printed here.");
    }
    if let Some((name, _)) = project.backends().find(|(_, engine)| *engine == "kannel") {
        let url = stack.backend_url(name.as_str());
        let _ = writeln!(text, "\nTry it:");
        let _ = writeln!(text, "  curl '{url}?id=1112223333&text=echo+hello'");
        let _ = writeln!(text, "\nFor a Kannel on this machine, write in its group sms-service:");
        let _ = writeln!(text, "  get-url = \"{url}?{GET_URL}\"\n");
    }
    text
}
