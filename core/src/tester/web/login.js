// When a link from another site opens this page, the browser sends no cookie. A user who is already logged in goes on
// to the page.

const { root } = document.documentElement.dataset;
const identity = document.querySelector('[name=identity]').value;

if (document.getElementById('wrong').hidden) {
  const answer = await fetch(`${root}poll.json`, { method: 'POST', body: '{}' }).catch(() => null);
  if (answer !== null && answer.status !== 401) {
    location.replace(identity ? `${root}?identity=${encodeURIComponent(identity)}` : root);
  }
}
