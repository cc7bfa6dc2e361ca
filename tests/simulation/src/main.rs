//! The command line of the simulation: `cargo run --profile simulation -p simulation -- --help`.

use std::io::{self, Write as _};
use std::process::ExitCode;
use std::time::Instant;

use clap::Parser;
use simulation::{Found, explore, plan_of, run, scenarios, search, shrink};

/// Runs Threadless in a simulated world, and reports broken promises.
#[derive(Debug, Parser)]
struct Args {
    /// The number of histories to run.
    #[arg(long, default_value_t = 5_000)]
    histories: u64,
    /// The seed of the first history.
    #[arg(long, default_value_t = 0)]
    from: u64,
    /// Runs the history of one seed and prints its log. If it fails, also prints the shortest history that fails.
    #[arg(long)]
    seed: Option<u64>,
    /// The number of threads to use.
    #[arg(long, default_value_t = 2)]
    threads: usize,
    /// Continues after a failure, and counts failures by kind.
    #[arg(long)]
    all: bool,
    /// Plants each fault in turn, and prints after how many histories it is found.
    #[cfg(feature = "planted")]
    #[arg(long)]
    plants: bool,
    /// Plants one fault, and prints the shortest history that shows it.
    #[cfg(feature = "planted")]
    #[arg(long)]
    plant: Option<String>,
    /// Tries every interleaving of the store calls of two actors.
    #[arg(long)]
    complete: bool,
}

fn main() -> ExitCode {
    let args = Args::parse();
    let result = match args.seed {
        Some(seed) => replay(seed),
        None if args.complete => complete(),
        #[cfg(feature = "planted")]
        None if args.plants || args.plant.is_some() => planted(args.plant.as_deref()),
        None => many(&args),
    };
    match result {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(problem) => {
            let _ = writeln!(io::stderr(), "{problem}");
            ExitCode::FAILURE
        }
    }
}

/// Runs one history with its log.
fn replay(seed: u64) -> io::Result<bool> {
    let mut out = io::stdout();
    let plan = plan_of(seed);
    let verdict = run(&plan, true);
    writeln!(out, "{plan}\n{}", verdict.log)?;
    let Some((promise, how)) = verdict.broken.first() else {
        writeln!(out, "Every promise was kept.")?;
        return Ok(true);
    };
    writeln!(out, "BROKEN: {promise}: {how}")?;
    explain(&Found { seed, promise, how: how.clone() })?;
    Ok(false)
}

/// Prints the shortest history that breaks the same promise.
fn explain(found: &Found) -> io::Result<()> {
    let mut out = io::stdout();
    let fails = |plan: &_| run(plan, false).broken.iter().any(|(promise, _)| *promise == found.promise);
    let (short, tried) = shrink(&plan_of(found.seed), fails);
    let verdict = run(&short, true);
    writeln!(out, "\n==== The shortest history, of {tried} that were tried: {short}\n{}", verdict.log)?;
    for (promise, how) in &verdict.broken {
        writeln!(out, "BROKEN: {promise}: {how}")?;
    }
    writeln!(out, "Replay: cargo run --profile simulation -p simulation -- --seed {}", found.seed)
}

/// Tries every schedule of every scenario.
fn complete() -> io::Result<bool> {
    let mut out = io::stdout();
    let mut kept = true;
    for scenario in scenarios() {
        let begun = Instant::now();
        let explored = explore(&scenario);
        let seconds = begun.elapsed().as_secs_f64();
        writeln!(out, "{}: {} schedules in {seconds:.1} s", scenario.name, explored.schedules)?;
        if let Some((choices, how, log)) = explored.broken {
            writeln!(out, "BROKEN: {how}\nchoices {choices:?}\n{log}")?;
            kept = false;
        }
    }
    Ok(kept)
}

/// Plants faults, and prints how each is found.
#[cfg(feature = "planted")]
fn planted(only: Option<&str>) -> io::Result<bool> {
    let mut out = io::stdout();
    let mut all = true;
    for (plant, name, what) in
        simulation::plants().filter(|(_, name, _)| only.is_none_or(|only| only == *name))
    {
        let begun = Instant::now();
        let found = simulation::harvest(plant, 5_000);
        let seconds = begun.elapsed().as_secs_f64();
        let Some(found) = found else {
            writeln!(out, "{name}: NOT FOUND in {seconds:.1} s ({what})")?;
            all = false;
            continue;
        };
        let (histories, events) = (found.histories, found.plan.events.len());
        all &= events <= 10;
        writeln!(
            out,
            "{name}: after {histories} histories, {events} events, {seconds:.1} s: {}",
            found.promise
        )?;
        if only.is_some() {
            let verdict = simulation::run_planted(&found.plan, plant, true);
            writeln!(out, "{what}\n{}\n{}", found.plan, verdict.log)?;
        }
    }
    Ok(all)
}

/// Runs many histories.
fn many(args: &Args) -> io::Result<bool> {
    let begun = Instant::now();
    let progress = |done: u64, broken: usize| {
        let _ = write!(
            io::stderr(),
            "\r{done} of {} histories in {:.0} s, {broken} broken ",
            args.histories,
            begun.elapsed().as_secs_f64()
        );
    };
    let found = search(args.from..args.from + args.histories, args.threads, !args.all, progress);
    writeln!(io::stderr())?;
    let mut out = io::stdout();
    let Some(first) = found.first() else {
        let seconds = begun.elapsed().as_secs_f64();
        writeln!(out, "{} histories in {seconds:.1} s: every promise was kept.", args.histories)?;
        return Ok(true);
    };
    for kind in simulation::kinds(&found) {
        writeln!(out, "{kind}")?;
    }
    explain(first)?;
    Ok(false)
}
