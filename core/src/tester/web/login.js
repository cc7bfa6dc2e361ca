// A link from another site brings no cookie along: who is logged in already goes on.

const { root } = document.documentElement.dataset;
const identity = document.querySelector('[name=identity]').value;

if (document.getElementById('wrong').hidden) {
  const answer = await fetch(`${root}poll.json`, { method: 'POST', body: '{}' }).catch(() => null);
  if (answer !== null && answer.status !== 401) {
    location.replace(identity ? `${root}?identity=${encodeURIComponent(identity)}` : root);
  }
}
