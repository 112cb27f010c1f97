package handler

import "github.com/keyward/keyward/functions/internal/send"

// Sender makes a Handler's Send: it asks machines for evidence. It has a name here so that the simulation,
// which is no function, runs the same code.
type Sender = send.Sender
