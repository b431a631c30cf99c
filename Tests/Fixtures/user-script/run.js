// Runs Examples/business-cookies.user.js as a user script manager would, in a page that is made up, and prints what it
// did as JSON: {"clipboard", "alerts", "prompts"}. Anything that the page does not offer is not there, so a script that
// reached for the network would fail.
//
// node run.js SCRIPT PLAN, the plan being JSON: {"url", "cookie", "granted", "answers"}. "cookie" is document.cookie,
// "granted" what GM_cookie sees by name, null for a manager without it, "error" for one that refuses; "answers" what
// the person types, in turn.
"use strict";
const fs = require("fs");
const vm = require("vm");

const [script, plan] = [fs.readFileSync(process.argv[2], "utf8"), JSON.parse(process.argv[3])];
const address = new URL(plan.url);
const done = { clipboard: null, alerts: [], prompts: [], commands: [] };
let command = null;

const page = {
  location: { pathname: address.pathname, search: address.search },
  document: { cookie: plan.cookie },
  navigator: { userAgent: "Mozilla/5.0 (made up)" },
  URLSearchParams,
  // The limit for a manager that does not answer: none does here.
  setTimeout: () => 0,
  GM_setClipboard: (text) => { done.clipboard = text; },
  GM_registerMenuCommand: (name, run) => { done.commands.push(name); command = run; },
};
page.window = {
  alert: (text) => { done.alerts.push(text); },
  prompt: (text, usual) => {
    done.prompts.push(text);
    const answer = plan.answers.shift();
    return answer === undefined ? usual : answer;
  },
};
if (plan.granted !== null) {
  page.GM_cookie = {
    list: (wanted, answer) => {
      if (wanted.url !== "https://business.gemini.google/") throw new Error("another host");
      if (plan.granted === "error") return answer([], "not allowed");
      const value = plan.granted[wanted.name];
      answer(value === undefined ? [] : [{ name: wanted.name, value }], undefined);
    },
  };
}

vm.runInNewContext(script, page);
Promise.resolve(command()).then(() => { console.log(JSON.stringify(done)); });
