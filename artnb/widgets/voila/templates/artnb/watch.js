// Asks again and again whether the page's kernel is still there, from before its scripts are loaded: the server lets
// the kernel of a page that is heard of live. A page without a kernel says so, and begins again.
setInterval(async function watch() {
  const config = document.getElementById("jupyter-config-data"); // it comes when the kernel is there
  const line = document.getElementById("gone");
  if (!config || watch.asking) return;
  const { baseUrl, kernelId } = JSON.parse(config.textContent);
  watch.asking = true;
  const answer = await fetch(`${baseUrl}artnb/alive/${kernelId}`, { cache: "no-store", redirect: "manual" }).catch(() => null);
  watch.asking = false;
  watch.missed = answer ? 0 : (watch.missed ?? 0) + 1;
  if (answer?.status === 204 || watch.missed === 1) { // one answer may get lost
    line.hidden = true;
    return;
  }
  line.hidden = false;
  if (!answer) {
    line.textContent = "The server does not answer. This page waits for it.";
  } else if (!watch.leaving) {
    line.textContent = "This page was left alone for too long, or its work was stopped. It begins again in a moment.";
    watch.leaving = setTimeout(() => {
      if (document.hidden) document.addEventListener("visibilitychange", () => location.reload(), { once: true });
      else location.reload();
    }, 3000);
  }
}, 5000);
