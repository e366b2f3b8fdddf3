// What every page does beyond showing itself. Everything here is a convenience: pages work without it.
import "./copy.js";
import "./counting.js";
import "./dialogs.js";
import "./editor.js";
import "./live.js";
import "./sequence_editor.js";
import "./keys.js";
import "./toasts.js";
import "./unsaved.js";
