use std::fs::{self, File, OpenOptions, Permissions};
use std::io::{Read, Seek, Write};
use std::os::unix::fs::{DirBuilderExt, MetadataExt, PermissionsExt};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use nix::errno::Errno;
use nix::fcntl::{Flock, FlockArg};
use nix::unistd::{Uid, User, chown};
use sha2::{Digest, Sha256};

use crate::error::{At, Error, Result};

/// Longest path of a unix socket on Linux, in bytes.
const SOCKET_PATH_MAX: usize = 107;
/// Room for the longest socket name below the directory.
const SOCKET_NAME_MAX: usize = "/.s.PGSQL.5432.lock".len();

/// A directory with private services, held by this process alone.
///
/// Postgres refuses root. For root both services therefore run as `postgres` (or `nobody`), and
/// their data lies where that user can reach it: below the directory itself or, where it is not
/// reachable (a checkout below `/root`), in `/var/lib/mystic-<hash>`, which the file `data-root`
/// in the directory remembers.
#[derive(Debug)]
pub struct Home {
    dir: PathBuf,
    data: PathBuf,
    sockets: PathBuf,
    run_as: Option<User>,
    _lock: Flock<File>,
}

impl Home {
    /// Opens `dir`, making it when it is not there, and holds it until this value is dropped.
    ///
    /// # Errors
    /// [`Error::AlreadyRunning`] when another process holds it.
    pub fn open(dir: &Path) -> Result<Self> {
        fs::create_dir_all(dir).at("cannot make", dir)?;
        let dir = dir.canonicalize().at("cannot find", dir)?;
        let run_as = unprivileged_user()?;
        let data = data_root(&dir, run_as.as_ref())?;
        let lock = take_lock(&data, &dir)?;
        let sockets = socket_dir(&data, run_as.as_ref())?;
        fs::create_dir_all(dir.join("logs")).at("cannot make", &dir)?;
        Ok(Self {
            dir,
            data,
            sockets,
            run_as,
            _lock: lock,
        })
    }

    /// The directory that was opened.
    #[must_use]
    pub fn dir(&self) -> &Path {
        &self.dir
    }

    /// Where the services keep their data.
    #[must_use]
    pub fn data(&self) -> &Path {
        &self.data
    }

    /// Removes everything: the directory, the data and the sockets.
    ///
    /// # Errors
    /// [`Error::Io`] when something cannot be removed.
    pub fn remove(self) -> Result<()> {
        for path in [&self.sockets, &self.data, &self.dir] {
            match fs::remove_dir_all(path) {
                Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                    return Err(error).at("cannot remove", path);
                }
                _ => {}
            }
        }
        Ok(())
    }

    pub(crate) fn sockets(&self) -> &Path {
        &self.sockets
    }

    /// A log file that is appended to.
    pub(crate) fn log(&self, name: &str) -> Result<(PathBuf, File)> {
        let path = self.dir.join("logs").join(name);
        let file = OpenOptions::new()
            .create(true)
            .append(true)
            .open(&path)
            .at("cannot open", &path)?;
        Ok((path, file))
    }

    /// A directory below the data that only the services' user may enter.
    pub(crate) fn private_dir(&self, name: &str) -> Result<PathBuf> {
        let path = self.data.join(name);
        make_private(&path, self.run_as.as_ref())?;
        Ok(path)
    }

    /// A command that runs as the services' user, inside the data.
    pub(crate) fn command(&self, program: &Path) -> Command {
        let mut command = Command::new(program);
        command.current_dir(&self.data);
        if let Some(user) = &self.run_as {
            command.uid(user.uid.as_raw()).gid(user.gid.as_raw());
            command.env("HOME", &self.data).env("USER", &user.name);
        }
        for name in ["PGDATA", "PGHOST", "PGPORT", "PGUSER", "PGDATABASE"] {
            command.env_remove(name);
        }
        command.env("LC_ALL", "C.UTF-8");
        command
    }
}

fn unprivileged_user() -> Result<Option<User>> {
    if !Uid::effective().is_root() {
        return Ok(None);
    }
    ["postgres", "nobody"]
        .iter()
        .find_map(|name| User::from_name(name).ok().flatten())
        .map(Some)
        .ok_or(Error::NoUnprivilegedUser)
}

fn data_root(dir: &Path, run_as: Option<&User>) -> Result<PathBuf> {
    let note = dir.join("data-root");
    if let Ok(text) = fs::read_to_string(&note) {
        let remembered = PathBuf::from(text.trim());
        if remembered.is_dir() {
            return Ok(remembered);
        }
    }
    let inside = dir.join("data");
    let Some(user) = run_as else {
        fs::create_dir_all(&inside).at("cannot make", &inside)?;
        return Ok(inside);
    };
    let outside = PathBuf::from("/var/lib").join(format!("mystic-{}", short_hash(dir)));
    let root = if reachable(dir, user) {
        inside
    } else if reachable(Path::new("/var/lib"), user) {
        outside
    } else {
        return Err(Error::NoReachableDirectory {
            user: user.name.clone(),
            dir: dir.to_owned(),
        });
    };
    fs::create_dir_all(&root).at("cannot make", &root)?;
    fs::set_permissions(&root, Permissions::from_mode(0o755)).at("cannot open up", &root)?;
    if !root.starts_with(dir) {
        fs::write(&note, format!("{}\n", root.display())).at("cannot write", &note)?;
    }
    Ok(root)
}

/// Whether `user` may walk through every directory down to `dir`.
fn reachable(dir: &Path, user: &User) -> bool {
    dir.ancestors().all(|step| {
        let Ok(meta) = fs::metadata(step) else {
            return false;
        };
        let needed = if meta.uid() == user.uid.as_raw() {
            0o100
        } else if meta.gid() == user.gid.as_raw() {
            0o010
        } else {
            0o001
        };
        meta.mode() & needed != 0
    })
}

fn take_lock(data: &Path, dir: &Path) -> Result<Flock<File>> {
    let path = data.join("lock");
    let file = OpenOptions::new()
        .create(true)
        .truncate(false)
        .read(true)
        .write(true)
        .open(&path)
        .at("cannot open", &path)?;
    match Flock::lock(file, FlockArg::LockExclusiveNonblock) {
        Ok(mut lock) => {
            lock.set_len(0).at("cannot write", &path)?;
            lock.rewind().at("cannot write", &path)?;
            write!(lock, "{}", std::process::id()).at("cannot write", &path)?;
            Ok(lock)
        }
        Err((mut file, Errno::EWOULDBLOCK)) => {
            let mut text = String::new();
            file.read_to_string(&mut text).at("cannot read", &path)?;
            Err(Error::AlreadyRunning {
                pid: text.trim().parse().unwrap_or(0),
                dir: dir.to_owned(),
            })
        }
        Err((_, errno)) => Err(errno).at("cannot lock", &path),
    }
}

fn socket_dir(data: &Path, run_as: Option<&User>) -> Result<PathBuf> {
    let inside = data.join("run");
    let fits = inside.as_os_str().len() + SOCKET_NAME_MAX <= SOCKET_PATH_MAX;
    let path = if fits {
        inside
    } else {
        PathBuf::from("/tmp").join(format!("mystic-{}", short_hash(data)))
    };
    make_private(&path, run_as)?;
    Ok(path)
}

fn make_private(path: &Path, owner: Option<&User>) -> Result<()> {
    match fs::DirBuilder::new().mode(0o700).create(path) {
        Ok(()) => {
            if let Some(user) = owner {
                chown(path, Some(user.uid), Some(user.gid)).at("cannot hand over", path)?;
            }
            Ok(())
        }
        Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => {
            let meta = fs::symlink_metadata(path).at("cannot read", path)?;
            let uid = owner.map_or_else(Uid::effective, |user| user.uid);
            if meta.is_dir() && meta.uid() == uid.as_raw() && meta.mode() & 0o777 == 0o700 {
                Ok(())
            } else {
                Err(Error::Unsafe {
                    path: path.to_owned(),
                })
            }
        }
        Err(error) => Err(error).at("cannot make", path),
    }
}

fn short_hash(path: &Path) -> String {
    let digest = Sha256::digest(path.as_os_str().as_encoded_bytes());
    hex::encode(&digest[..6])
}
