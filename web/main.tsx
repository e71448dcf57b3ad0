import { render } from "preact";
import "uplot/dist/uPlot.min.css";
import "./style/tokens.css";
import "./style/base.css";
import "./style/forms.css";
import "./style/shell.css";
import "./style/fleet.css";
import "./style/device.css";
import "./style/commands.css";
import "./devices/completeness.css";
import "./audit/audit.css";
import "./devices/add-device.css";
import "./jobs/jobs.css";
import { keepShell } from "./shell/keep-shell.ts";
import { speakAsBefore } from "./language/text.ts";
import { App } from "./shell/app.tsx";

const root = document.getElementById("app");
// Before the first word is drawn.
void speakAsBefore().then(() => root && render(<App />, root));
void keepShell();
