// Stands in for github.com/gorilla/websocket: see websocket.go.
module github.com/gorilla/websocket

go 1.26.8
