// ==UserScript==
// @name         Copy this Gemini Business account
// @description  Copies the signed-in account as JSON that "pollux accounts import" takes. Sends nothing anywhere.
// @namespace    pollux
// @version      1.0
// @license      MIT
// @match        https://business.gemini.google/*
// @noframes
// @run-at       document-idle
// @grant        GM_cookie
// @grant        GM_registerMenuCommand
// @grant        GM_setClipboard
// ==/UserScript==

// What it does: it adds "Copy this account for the gateway" to the menu of the user script manager (Tampermonkey,
// Violentmonkey, ScriptCat). The command reads two values out of the page's address and two cookies, asks for a name,
// and puts this into the clipboard:
//
// [
//   {
//     "id": "ops1@example.org",
//     "secure_c_ses": "CSE.Ad-invented-001",
//     "host_c_oses": "COS.Af-invented-001",
//     "csesidx": "498000001",
//     "config_id": "0cd0aa00-0000-4000-8000-00000000c001",
//     "user_agent": "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/138.0.0.0"
//   }
// ]
//
// Whoever has these cookies is signed in as you. Paste them into a file that only you can read, and empty the
// clipboard afterwards.
//
// What it may do: the three grants above, and no others. It has no code that sends anything, it runs on this one host,
// it acts only when you choose the command, and it stores nothing. Read it before you install it.
//
// Cookies that are HttpOnly are out of reach of a page's scripts. GM_cookie can read them where the manager has it and
// you allow it (Tampermonkey: some versions only). Otherwise the command asks you to paste each value by hand from
// the developer tools and says where it stands.

(function () {
  "use strict";

  const SITE = "https://business.gemini.google/";
  const WHERE = "developer tools (F12) > Application, in Firefox: Storage > Cookies > https://business.gemini.google";

  // The address of a signed-in page: https://business.gemini.google/home/cid/CONFIG_ID?csesidx=CSESIDX
  // The page changes it without being loaded anew, so it is read when the command is chosen.
  function addressValues() {
    const place = /\/cid\/([^/?#]+)/.exec(location.pathname);
    const csesidx = new URLSearchParams(location.search).get("csesidx");
    return { config_id: place ? place[1] : "", csesidx: csesidx || "" };
  }

  // The cookie's value, byte for byte; "" when it cannot be read here.
  async function cookie(name) {
    return (await granted(name)) || visible(name);
  }

  // By the manager, which can see HttpOnly cookies. One that never answers must not leave the command hanging.
  function granted(name) {
    if (typeof GM_cookie === "undefined" || typeof GM_cookie.list !== "function") return Promise.resolve("");
    return new Promise((resolve) => {
      setTimeout(() => resolve(""), 3000);
      try {
        GM_cookie.list({ url: SITE, name: name }, (cookies, error) => {
          const found = error ? undefined : (cookies || []).find((one) => one.name === name);
          resolve(found ? found.value : "");
        });
      } catch (error) {
        resolve("");
      }
    });
  }

  // By the page itself: what is not HttpOnly.
  function visible(name) {
    const pair = document.cookie.split("; ").find((one) => one.startsWith(name + "="));
    return pair ? pair.slice(name.length + 1) : "";
  }

  // Asks for a cookie that could not be read.
  function pasted(name, isNeeded) {
    const how = isNeeded ? "It is needed." : "Leave this empty if there is none.";
    const value = window.prompt(`${name} cannot be read by scripts here. Paste its value.\n${WHERE} > ${name}\n${how}`);
    // People paste quotes and line ends along; no cookie of these has any.
    return (value || "").trim().replace(/^"(.*)"$/, "$1");
  }

  async function copyAccount() {
    const { config_id, csesidx } = addressValues();
    if (!config_id || !csesidx) {
      window.alert("Sign in and open the start page first: the address must have /cid/… and csesidx=…");
      return;
    }
    const secure_c_ses = (await cookie("__Secure-C_SES")) || pasted("__Secure-C_SES", true);
    if (!secure_c_ses) {
      window.alert("Nothing was copied: without the value of __Secure-C_SES the account cannot be used.");
      return;
    }
    const host_c_oses = (await cookie("__Host-C_OSES")) || pasted("__Host-C_OSES", false);
    const usual = "business-" + config_id.slice(0, 8);
    const id = (window.prompt("A name for this account, such as its mail address:", usual) || "").trim() || usual;
    const account = { id, secure_c_ses, host_c_oses, csesidx, config_id, user_agent: navigator.userAgent };
    if (!host_c_oses) delete account.host_c_oses;
    GM_setClipboard(JSON.stringify([account], null, 2) + "\n", "text");
    window.alert(`Copied: ${id}. Save it to a file and run: pollux accounts import FILE`);
  }

  GM_registerMenuCommand("Copy this account for the gateway", copyAccount);
})();
