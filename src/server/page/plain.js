'use strict';

function addRow(body, experiment) {
  const row = body.insertRow();
  const seconds = (experiment.duration / 1e9).toFixed(3) + ' s';
  for (const text of [experiment.name, experiment.status, experiment.start, seconds])
    row.insertCell().textContent = text;
}

async function list() {
  const body = document.querySelector('tbody');
  const reply = await fetch('api/experiments');
  for (const experiment of await reply.json())
    addRow(body, experiment);
}

list();
