"""Started as: python3 -I -B ARCHIVE CONTROL SETTINGS; see varro_worker/zygote.py."""
import json
import sys

import varro_worker.zygote

archive = sys.argv[0]
varro_worker.zygote.import_everything()
sys.path[:] = [path for path in sys.path if path != archive]
varro_worker.zygote.main(int(sys.argv[1]), json.loads(sys.argv[2]))
