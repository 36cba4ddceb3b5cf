//! Plays drawn histories on both sides. Where they part, it tells the seed at once, then the smallest history with which
//! they still do, as a scenario file.

use std::fs;
use std::hash::{BuildHasher, RandomState};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};

use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};

use super::agree::play;
use super::history::History;
use super::scenario;
use super::shrink::shrink;

/// Draws and plays so many histories, each by its seed; or one, by that of `USHER_SEED`.
pub(crate) fn compare(test: &str, count: u32, draw: impl Fn(u64) -> History) {
    let seeds: Vec<u64> = match std::env::var("USHER_SEED") {
        Ok(seed) => vec![seed.parse().unwrap_or_else(|error| panic!("USHER_SEED={seed}: {error}"))],
        Err(_) => (0..count).map(|number| RandomState::new().hash_one(number)).collect(),
    };
    compare_by(test, &seeds, draw);
}

fn compare_by(test: &str, seeds: &[u64], draw: impl Fn(u64) -> History) {
    for &seed in seeds {
        let Err(told) = told(|| play(&draw(seed)).map(drop)) else { continue };
        // Before anything else that may fail or take long.
        let again = format!("USHER_SEED={seed} cargo test -p usher-policy --test oracle {test} -- --exact");
        eprintln!("seed {seed}: repeat it with {again}");
        let smallest = catch_unwind(AssertUnwindSafe(|| smallest(seed, &draw)));
        let smallest = smallest.unwrap_or_else(|_| format!("{told}\n\nIt cannot be made smaller, see above."));
        panic!("seed {seed}: rules and oracle part\n{smallest}\nrepeat it with {again}");
    }
}

/// What is told of the smallest history that still fails, and its scenario file.
fn smallest(seed: u64, draw: &impl Fn(u64) -> History) -> String {
    let smallest = shrink(&draw(seed), parts);
    let told = told(|| play(&smallest).map(drop)).err().unwrap_or_default();
    let about = match scenario::is_whole(&smallest) {
        true => "Rules and oracle part.",
        false => "Rules and oracle part; not with these steps alone, for the format lacks those after `#`.",
    };
    let text = scenario::file(&smallest, about, &format!("seed {seed}"));
    let path = write(&format!("{seed}.yaml"), &text);
    let play = format!("usher test {}", path.parent().unwrap_or(&path).display());
    format!("{told}\n\n{}  ({play})\n{text}", path.display())
}

#[test]
fn a_history_that_cannot_be_made_smaller_is_told_of_with_its_seed() {
    let told = catch_unwind(|| compare_by("this", &[42], |_| panic!("no history"))).unwrap_err();
    let told = told.downcast_ref::<String>().unwrap();
    assert!(told.starts_with("seed 42: rules and oracle part\n"), "{told}");
    assert!(told.contains("cannot be made smaller"), "{told}");
    assert!(told.ends_with("USHER_SEED=42 cargo test -p usher-policy --test oracle this -- --exact"), "{told}");
}

/// What draws by a seed.
pub(crate) fn runner(seed: u64) -> TestRunner {
    let mut bytes = [0; 32];
    bytes[..8].copy_from_slice(&seed.to_le_bytes());
    TestRunner::new_with_rng(Config::default(), TestRng::from_seed(RngAlgorithm::ChaCha, &bytes))
}

fn parts(history: &History) -> bool {
    told(|| play(history).map(drop)).is_err()
}

/// What is told of a playing; a panic is told of as well.
fn told(play: impl FnOnce() -> Result<(), String>) -> Result<(), String> {
    catch_unwind(AssertUnwindSafe(play)).unwrap_or_else(|_| Err("one of the two panics, see above".to_owned()))
}

/// Next to the base that it names, under `target/`: it can be moved to `tests/scenarios/histories/` as it is.
fn write(name: &str, text: &str) -> PathBuf {
    let target = Path::new(env!("CARGO_TARGET_TMPDIR")).parent().unwrap();
    let scenarios = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/scenarios");
    for folder in ["histories", "policies"] {
        fs::create_dir_all(target.join(folder)).unwrap();
    }
    fs::copy(scenarios.join("policies/claude.yaml"), target.join("policies/claude.yaml")).unwrap();
    let path = target.join("histories").join(name);
    fs::write(&path, text).unwrap();
    path
}
