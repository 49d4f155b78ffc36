"""Start-up stays light, and nothing private of Keras is used."""

import ast
import os
import re
import subprocess

import pytest
from conftest import PYTHON, ROOT, subprocess_environment
from photo_files import write_photos

CHECK = """
import sys, time
began = time.process_time()
{code}
seconds = time.process_time() - began
print(bool({{"keras", "tensorflow", "distributed"}} & sys.modules.keys()), seconds)
"""


def started(code: str) -> tuple[bool, float]:
    """Whether the code loads Keras or Dask, and its seconds of processor time, which do not grow on a busy machine."""
    result = subprocess.run(
        [PYTHON, "-c", CHECK.format(code=code)],
        env=subprocess_environment(), cwd=ROOT, capture_output=True, text=True, check=True,
    )  # fmt: skip
    loaded, seconds = result.stdout.strip().splitlines()[-1].split()
    return loaded == "True", float(seconds)


def test_import_zoo_loads_no_keras():
    code = "import zoo; zoo.names('vgg*'); zoo.info('fashion_cnn')"
    runs = [started(code) for _ in range(2)]
    assert not any(loaded for loaded, _ in runs)
    assert min(seconds for _, seconds in runs) < 0.3


@pytest.mark.parametrize("name", ["zoo.py", "zoo/__init__.py"])
def test_another_zoo_is_named(tmp_path, name):
    other = tmp_path / name
    other.parent.mkdir(exist_ok=True)
    other.write_text("animals = 3")
    environment = subprocess_environment() | {"PYTHONPATH": f"{tmp_path}{os.pathsep}{ROOT}"}
    for command, code in ((["-m", "recipes.run", "--list"], 4), (["-c", "import recipes"], 1)):
        ended = subprocess.run([PYTHON, *command], env=environment, cwd=tmp_path, capture_output=True, text=True)
        assert ended.returncode == code
        assert f"zoo is {other} here, which is not the one that belongs to recipes" in ended.stderr
        assert len(ended.stderr.splitlines()) == 1 or code == 1


@pytest.mark.parametrize("arguments", [["--list"], ["--help"], ["fashion_cn"], ["fashion_cnn", "--set", "x=1"]])
def test_command_answers_without_keras(arguments):
    code = f"from recipes.run import main\ntry:\n    main({arguments})\nexcept SystemExit:\n    pass"
    runs = [started(code) for _ in range(3)]  # The least counts, for others may use this core.
    assert not any(loaded for loaded, _ in runs)
    assert min(seconds for _, seconds in runs) < 0.5


def test_the_other_commands_explain_themselves_and_examine_photos_without_keras(tmp_path):
    write_photos(tmp_path / "photos", number=3)
    code = "import contextlib\n"
    for verb in ("doctor", "predict", "export", "verify", "serve", "sort", "certify", "tune"):
        code += f"from recipes import {verb}\nwith contextlib.suppress(SystemExit):\n    {verb}.main(['--help'])\n"
    code += f"doctor.main([{str(tmp_path / 'photos')!r}, '--out', {str(tmp_path / 'out')!r}])"
    assert not started(code)[0]
    assert (tmp_path / "out" / "doctor.html").is_file()


def test_predict_chooses_the_backend_before_it_imports_keras(tmp_path):
    """Else Keras has chosen, and the notes of TensorFlow's C++ stand before the first answer."""
    environment = subprocess_environment(KERAS_BACKEND="nothing")
    command = [PYTHON, "-m", "recipes.predict", str(tmp_path), "photo.jpg"]
    ended = subprocess.run(command, env=environment, cwd=ROOT, capture_output=True, text=True)
    assert (ended.returncode, "KERAS_BACKEND is nothing" in ended.stderr) == (4, True), ended.stderr


def test_keras_json_that_names_no_backend_is_told(tmp_path):
    (tmp_path / "keras.json").write_text('{"backend": "theano", "image_dim_ordering": "th"}')
    environment = subprocess_environment(KERAS_HOME=str(tmp_path))
    environment.pop("KERAS_BACKEND", None)
    command = [PYTHON, "-m", "recipes.run", "fashion_cnn", "--smoke", "--out", str(tmp_path / "run")]
    ended = subprocess.run(command, env=environment, cwd=ROOT, capture_output=True, text=True)
    assert ended.returncode == 4, ended.stderr
    assert "theano. KERAS_BACKEND, or else keras.json in its folder (~/.keras), names its backend" in ended.stderr


def test_what_keras_json_sets_else_changes_no_network(tmp_path):
    """What a program sets that has imported Keras stays."""
    (tmp_path / "keras.json").write_text('{"floatx": "float16", "image_data_format": "channels_first"}')
    program = """
from recipes.console.backend import load_backend
load_backend()
import keras, zoo
model = zoo.get("fashion_cnn", weights=None)
print(model.get_layer("conv1").data_format, *{weight.dtype for weight in model.weights})
keras.config.set_dtype_policy("mixed_bfloat16")
load_backend()
print(keras.config.dtype_policy().name)
"""
    environment = subprocess_environment(KERAS_HOME=str(tmp_path))
    ended = subprocess.run([PYTHON, "-c", program], env=environment, cwd=ROOT, capture_output=True, text=True)
    assert ended.stdout.splitlines() == ["channels_last float32", "mixed_bfloat16"], ended.stderr


# What Windows or macOS lacks. `.ci/run` has mypy look for the rest as on Windows.
LACKING = {
    "os": "fork forkpty geteuid getegid getuid getgid getpgid setsid killpg kill sched_getaffinity statvfs fstatvfs "
    "uname mkfifo chown lchown getloadavg pread pwrite posix_fadvise sendfile wait3 nice O_DIRECTORY O_NOFOLLOW",
    "signal": "SIGKILL SIGHUP SIGQUIT SIGUSR1 SIGUSR2 SIGALRM SIGCHLD SIGPIPE SIGSTOP alarm setitimer pause sigwait",
    "socket": "AF_UNIX SO_REUSEPORT",
    "time": "tzset clock_gettime",
}
MODULES = {"fcntl", "resource", "pwd", "grp", "termios", "tty", "pty", "syslog", "posix", "crypt", "multiprocessing"}
# Where each is asked for only as far as it is there.
GUARDED = {("atomic.py", "os.kill"), ("precision.py", "/proc/cpuinfo"), ("environment.py", "/proc/cpuinfo")}


def of_one_system(tree):
    """What in a module only some systems have: names, imports, and paths."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
            if node.attr in LACKING.get(node.value.id, "").split():
                yield f"{node.value.id}.{node.attr}"
        elif isinstance(node, ast.Import | ast.ImportFrom):
            names = [node.module or ""] if isinstance(node, ast.ImportFrom) else [alias.name for alias in node.names]
            yield from (name for name in names if name.split(".")[0] in MODULES)
        elif isinstance(node, ast.Constant) and re.match(r"/(proc|dev|tmp)/\S*$|.*%-[a-zA-Z]", str(node.value)):
            yield node.value


def test_nothing_is_called_that_one_system_alone_has():
    found = {
        (path.name, name)
        for folder in ("zoo", "recipes")
        for path in (ROOT / folder).rglob("*.py")
        for name in of_one_system(ast.parse(path.read_text(encoding="utf-8")))
    }
    assert found == GUARDED
    assert set(of_one_system(ast.parse("import fcntl\nos.pread\n'/proc/self'"))) == {"fcntl", "os.pread", "/proc/self"}


def test_nothing_uses_private_keras():
    private = re.compile(r"keras[.]src")
    for folder in ("zoo", "recipes", "benchmarks", "docs"):
        for path in (ROOT / folder).rglob("*.py"):
            assert not private.search(path.read_text()), path
