//! All Lambda functions in one program. `sam build` builds this one. The environment variable `THREADLESS_FUNCTION` says
//! which function it is; `template.yaml` sets it.
//!
//! The programs in `src/bin/` have one function each. `cargo lambda watch` and `cargo lambda invoke` find them by name.

use std::process::ExitCode;

fn main() -> ExitCode {
    threadless::lambda::start_chosen(&functions::PROJECT)
}
