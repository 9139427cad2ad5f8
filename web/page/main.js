// The page's script: each module listens to what concerns it.
import { listenToActions } from './actions.js';
import { listenToChatList } from './chat_list.js';
import { listenToComposer } from './composer.js';
import { listenToDisplays } from './displays.js';
import { listenToEditor } from './editor.js';
import { listenToFileLists } from './file_times.js';
import { listenToQueue } from './queue.js';
import { listenToRequests } from './requests.js';
import { listenToStreams } from './streams.js';

listenToRequests();
listenToComposer();
listenToFileLists();
listenToEditor();
listenToChatList();
listenToActions();
listenToQueue(); // before the streams: of a page that has loaded it looks first at what waits
listenToDisplays();
listenToStreams();
