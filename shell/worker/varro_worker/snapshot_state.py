"""What a shell remembers besides its variables: random generators, settings, folder, environment.

Each entry is captured and restored on its own, because none of them is worth a variable.
"""
import itertools
import sys
import types

from . import snapshot_settings
from .own import __builtins__, os, random, time
from .snapshot_reasons import why_not_loaded

ENVIRONMENT_BYTES_MAX = 64 << 10


class Gone(Exception):
    """Something outside the shell is not there any more."""


initial_environment = {}  # bytes, as os.environ keeps them
initial_modules = 0


def begin():
    """What the environment holds now is the shell's; what the cells change from here on is theirs."""
    global initial_modules
    initial_environment.clear()
    initial_environment.update(os.environ._data)
    initial_modules = len(sys.modules)
    snapshot_settings.begin()


def environment():
    """{name: value, or None for one that was removed}."""
    now = os.environ._data
    changed = {os.fsdecode(name): os.fsdecode(value) for name, value in now.items()
               if initial_environment.get(name) != value}
    changed.update((os.fsdecode(name), None) for name in initial_environment.keys() - now.keys())
    size = sum(len(name) + len(value or "") for name, value in changed.items())
    return changed if size <= ENVIRONMENT_BYTES_MAX else None


def restore_environment(changed):
    for name, value in changed.items():
        if value is None:
            os.environ.pop(name, None)
        else:
            os.environ[name] = value
    if "TZ" in changed:
        time.tzset()


def module_folders():
    """Where cells have imported modules from by an entry of sys.path that means another folder by now, or is gone."""
    folders = []
    for name in itertools.islice(reversed(sys.modules), max(len(sys.modules) - initial_modules, 0)):
        module = sys.modules[name]
        if "." in name or type(module) is not types.ModuleType:
            continue
        file, packages = vars(module).get("__file__"), vars(module).get("__path__")
        for place in [file] if packages is None else list(packages):
            folder = os.path.dirname(place) if isinstance(place, str) else ""
            if os.path.isabs(folder) and folder not in folders and folder not in sys.path:
                folders.append(folder)
    return folders


def restore_folder(folder):
    try:
        os.chdir(folder)
    except FileNotFoundError:
        raise Gone(f"{folder} is not there any more") from None


def restore_path(entries):
    sys.path.extend(entry for entry in entries if entry not in sys.path)


def numpy_random():
    numpy = sys.modules.get("numpy")
    return numpy and numpy.random.get_state(legacy=False)


def numpy_printing():
    numpy = sys.modules.get("numpy")
    return numpy and numpy.get_printoptions()


def restore_numpy_random(state):
    import numpy

    numpy.random.set_state(state)


def restore_numpy_printing(options):
    import numpy

    numpy.set_printoptions(**options)


def pandas_options():
    if "pandas" not in sys.modules:
        return None
    from pandas._config import config

    return {name: config.get_option(name) for name, option in config._registered_options.items()
            if name not in config._deprecated_options and config.get_option(name) != option.defval}


def restore_pandas_options(options):
    import pandas

    for name, value in options.items():
        pandas.set_option(name, value)


def matplotlib_settings():
    matplotlib = sys.modules.get("matplotlib")
    if matplotlib is None:
        return None
    defaults = matplotlib.rcParamsDefault
    return {name: value for name, value in dict.items(matplotlib.rcParams)
            if not name.startswith("backend") and value != defaults.get(name)}


def restore_matplotlib_settings(settings):
    import matplotlib

    matplotlib.rcParams.update(settings)


def autoreload(shell):
    if "IPython.extensions.autoreload" not in shell.extension_manager.loaded:
        return None
    reloader = shell.magics_manager.registry["AutoreloadMagics"]._reloader
    return {"enabled": reloader.enabled, "check_all": reloader.check_all}


def restore_autoreload(shell, mode):
    shell.extension_manager.load_extension("autoreload")
    reloader = shell.magics_manager.registry["AutoreloadMagics"]._reloader
    reloader.enabled, reloader.check_all = mode["enabled"], mode["check_all"]


def restore_execution_count(shell, count):
    shell.execution_count = max(shell.execution_count, count)


MODULES = "folders of modules"

# Name: (capture, restore), both without the shell.
OF_PROCESS = {
    "random": (random.getstate, random.setstate),
    "numpy random": (numpy_random, restore_numpy_random),
    "numpy printing": (numpy_printing, restore_numpy_printing),
    "pandas": (pandas_options, restore_pandas_options),
    "matplotlib": (matplotlib_settings, restore_matplotlib_settings),
    "folder": (os.getcwd, restore_folder),
    "environment": (environment, restore_environment),
    "path": (lambda: list(sys.path), restore_path),
    MODULES: (module_folders, lambda folders: None),  # needed only while the variables are loaded
    **snapshot_settings.OF_PROCESS,
}
# The same with the shell first. The number of cells alone is no change.
COUNT = "execution count"
OF_SHELL = {
    COUNT: (lambda shell: shell.execution_count, restore_execution_count),
    "autoreload": (autoreload, restore_autoreload),
    **snapshot_settings.OF_SHELL,
}


def entries(shell):
    table = dict(OF_PROCESS)
    if shell is not None:
        for name, (capture_one, restore_one) in OF_SHELL.items():
            table[name] = (lambda capture_one=capture_one: capture_one(shell),
                           lambda value, restore_one=restore_one: restore_one(shell, value))
    return table


def capture(shell=None):
    state = {}
    for name, (capture_one, _) in entries(shell).items():
        try:
            value = capture_one()
        except Exception:
            continue
        if value is not None:
            state[name] = value
    return state


def restore(state, shell=None):
    """What could not be restored, as {"name", "reason"}."""
    lost = []
    for name, (_, restore_one) in entries(shell).items():
        if name in state:
            try:
                restore_one(state[name])
            except Exception as error:
                lost.append({"name": f"({name})", "reason": why_not_loaded(error)})
    return lost
